"""The store: the ledger's tables and every read and write of them, as functions of a Session."""
