"""Where answers come from that no model of this run was trained for: files and runs, endpoints, other models."""
