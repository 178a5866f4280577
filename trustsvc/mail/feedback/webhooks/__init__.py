"""What mail providers report to a webhook endpoint of ours."""
