"""cluster_autoscaling."""
