"""Fine-tuning a Reader: `loop` is the one page that shows it all; its parts stand beside it."""
