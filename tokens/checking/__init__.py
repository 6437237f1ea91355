"""May this agent do that, and if not, why? One list of steps answers both: asked beforehand, or kept of a refusal."""
