"""What happens to bytes: tags, cookies, headers and requests, judged by the policy. Pure."""
