"""One file for each URL in the metadata document, and the door that all of them share."""
