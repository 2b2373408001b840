"""Which stages a training batch is drawn from."""
