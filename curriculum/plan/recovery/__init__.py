"""What is done when training goes wrong."""
