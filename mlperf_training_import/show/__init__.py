"""What people and other programs look at: outcome or stored entries in; screen, summaries, report, page, playground out."""
