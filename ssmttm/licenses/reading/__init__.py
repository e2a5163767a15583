"""From a statement or a document to the license that it grants, or the reason for none."""
