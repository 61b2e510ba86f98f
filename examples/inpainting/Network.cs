namespace Inpainting;

/// <summary>Layers of units, of which the last one is linear, trained on squared errors.</summary>
internal sealed class Network
{
    private readonly Layer[] _layers;
    private readonly Hyperparameters _hyperparameters;
    private int _updates;
    private int _examples;

    public Network(Hyperparameters hyperparameters, int inputs, int outputs, ref Draws draws)
    {
        _hyperparameters = hyperparameters;
        _layers = new Layer[hyperparameters.Layers + 1];
        for (var l = 0; l < _layers.Length; l++)
        {
            var isLast = l == hyperparameters.Layers;
            _layers[l] = new(
                l is 0 ? inputs : hyperparameters.Units,
                isLast ? outputs : hyperparameters.Units,
                isLast ? Activation.Identity : hyperparameters.Activation,
                isLast ? 0 : hyperparameters.Dropout,
                ref draws);
        }
    }

    public int WeightCount => _layers.Sum(static l => l.WeightCount);

    /// <summary>The outputs for some inputs, valid until the next call.</summary>
    public ReadOnlySpan<float> Guess(ReadOnlySpan<float> inputs)
    {
        foreach (var layer in _layers)
        {
            layer.Forward(inputs);
            inputs = layer.Values;
        }

        return inputs;
    }

    /// <summary>Adds what one example teaches to the gradient of the next update.</summary>
    public void Learn(ReadOnlySpan<float> inputs, ReadOnlySpan<float> targets, ref Draws draws)
    {
        var values = inputs;
        foreach (var layer in _layers)
        {
            layer.Forward(values, ref draws);
            values = layer.Values;
        }

        var slopes = _layers[^1].Slopes;
        for (var i = 0; i < targets.Length; i++)
        {
            slopes[i] = values[i] - targets[i];
        }

        for (var l = _layers.Length - 1; l > 0; l--)
        {
            _layers[l].Backward(_layers[l - 1].Values, _layers[l - 1].Slopes);
        }

        _layers[0].Backward(inputs, []);
        _examples++;
    }

    /// <summary>Moves all weights along the mean gradient of what has been learnt since the last update.</summary>
    public void Update(float share)
    {
        _updates++;
        foreach (var layer in _layers)
        {
            layer.Update(
                1f / _examples, _hyperparameters.LearningRate * share, _hyperparameters.WeightDecay, _updates);
        }

        _examples = 0;
    }
}
