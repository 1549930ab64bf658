"""The data sets: MNIST, and digits that are drawn here."""
