"""What is the same for every library: data, truth, rounds, figures, pictures."""
