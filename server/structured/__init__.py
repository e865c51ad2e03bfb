"""What a request asks its reply to conform to: bounded first, then compiled where none waits."""
