"""What a GPU can show, in independent jobs that fit a machine rented for minutes."""
