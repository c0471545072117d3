"""CloudFormation templates: reading them, and what their functions give."""
