"""Where encoders come from: `encoder` loads one by name; the bundled one and QANet are made here."""
