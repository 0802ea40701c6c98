"""What an order, a document and money are. Standard library only; nothing here does I/O."""
