"""What every room stands on. No Flask here."""
