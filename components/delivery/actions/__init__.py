"""The actions of pipelines, a file for each: what AWS would refuse of it, its configuration and its rights."""
