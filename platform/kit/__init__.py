"""Pure tools, one topic per file. No models; imports none of our packages."""
