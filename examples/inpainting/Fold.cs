namespace Inpainting;

/// <summary>A network that learns from all images but each <c>count</c>-th one, and is measured on those.</summary>
internal sealed class Fold
{
    private readonly List<Image> _seen = [];
    private readonly List<Image> _unseen = [];
    private readonly Network _network;
    private readonly Hyperparameters _hyperparameters;
    private Draws _draws;
    private int _next;

    public Fold(Image[] images, int fold, int count, Hyperparameters hyperparameters)
    {
        for (var i = 0; i < images.Length; i++)
        {
            (i % count == fold ? _unseen : _seen).Add(images[i]);
        }

        _hyperparameters = hyperparameters;
        _draws = new((ulong)fold + 1);
        _network = new(hyperparameters, Image.HalfSize, Image.HalfSize, ref _draws);
        _next = _seen.Count;
    }

    /// <summary>What a step costs: three passes for each image, and an update that costs as much as four.</summary>
    public long MultiplyAddsPerStep => ((3L * _hyperparameters.BatchSize) + 4) * _network.WeightCount;

    /// <summary>Does the steps from one number to another; the learning rate falls along a cosine, to 0 at the end.</summary>
    public void Train(long from, long to, long end)
    {
        for (var step = from; step < to; step++)
        {
            for (var i = 0; i < _hyperparameters.BatchSize; i++)
            {
                if (_next == _seen.Count)
                {
                    _draws.Shuffle(_seen);
                    _next = 0;
                }

                var image = _seen[_next++];
                _network.Learn(image.Upper, image.Lower, ref _draws);
            }

            _network.Update((float)(0.5 * (1 + Math.Cos(Math.PI * step / end))));
        }
    }

    /// <summary>The mean squared and absolute errors of each unseen image's pixels, summed over these images.</summary>
    public (double Squares, double Distances) Measure()
    {
        var squares = 0.0;
        var distances = 0.0;
        foreach (var image in _unseen)
        {
            var guesses = _network.Guess(image.Upper);
            for (var p = 0; p < Image.HalfSize; p++)
            {
                // A pixel lies between 0 and 1. A network that has diverged has left the paper blank.
                var guess = float.IsFinite(guesses[p]) ? Math.Clamp(guesses[p], 0, 1) : 0;
                var error = Image.Levels * (guess - image.Lower[p]);
                squares += error * error / Image.HalfSize;
                distances += Math.Abs(error) / Image.HalfSize;
            }
        }

        return (squares, distances);
    }
}
