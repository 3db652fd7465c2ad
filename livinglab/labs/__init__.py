"""Labs, membership, challenges, receiving units."""
