"""All of Wiredesk on one machine: embedded engines, every process, one supervisor."""
