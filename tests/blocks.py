"""A layer that holds others, as a reader might write one."""

from dlbasics.layers import Layer


class Block(Layer):
    """Its inner layers, one after the other."""

    def __init__(self, *layers):
        self.layers = list(layers)

    def forward(self, x, train_flg=True):
        for layer in self.layers:
            x = layer.forward(x, train_flg)
        return x

    def backward(self, dout):
        for layer in reversed(self.layers):
            dout = layer.backward(dout)
        return dout
