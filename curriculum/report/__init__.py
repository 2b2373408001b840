"""What a record shows: tables, sentences, plots. Reads records alone."""
