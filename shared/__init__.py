"""What all services know: settings, errors, the public event contract, the log, the queue and the edges they share."""
