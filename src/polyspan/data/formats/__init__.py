"""Files of every format as parsed paragraphs and faults: one format a file, `parse` chooses among them."""
