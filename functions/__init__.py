"""What AWS invokes: one folder per Lambda, each a thin handler."""
