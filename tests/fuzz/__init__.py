"""Random fits, steered at random: what must hold for each of them, whatever they are."""
