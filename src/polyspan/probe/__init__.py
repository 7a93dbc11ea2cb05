"""What an encoder knows: its hidden states over corpora, and measures of how alike languages are in them."""
