"""pod_autoscaling."""
