using System.Numerics;
using System.Runtime.InteropServices;

namespace Inpainting;

/// <summary>What a hidden unit makes of the sum of its inputs.</summary>
internal enum Activation
{
    Identity,
    Relu,
    Tanh,
    Logistic,
}

/// <summary>A dense layer with dropout, and its share in back-propagation and AdamW.</summary>
/// <remarks>
/// Kingma and Ba, "Adam", 2015; Loshchilov and Hutter, "Decoupled Weight Decay Regularization", 2019. The weights are
/// rows, one for each input and at last one for the bias, so that all loops run along the units.
/// </remarks>
internal sealed class Layer
{
    private const float MeanMemory = 0.9f;
    private const float SquareMemory = 0.999f;

    /// <summary>Added to slopes: the squares of units that have died would become subnormal, which is slow.</summary>
    private static readonly Vector<float> NeverQuiteZero = new(1e-15f);
    private static readonly Vector<float> Smallest = new(1e-8f);

    private readonly int _inputs;
    private readonly Activation _activation;
    private readonly float _dropout;
    private readonly float[] _weights;
    private readonly float[] _gradient;
    private readonly float[] _means;
    private readonly float[] _squares;
    private readonly float[] _values;
    private readonly float[] _slopes;

    /// <summary>0 for a unit that was left out, 1 / (1 - dropout) for the others.</summary>
    private readonly float[] _kept;

    public Layer(int inputs, int units, Activation activation, float dropout, ref Draws draws)
    {
        (_inputs, _activation, _dropout) = (inputs, activation, dropout);
        (_values, _slopes, _kept) = (new float[units], new float[units], new float[units]);

        // Whole blocks, so that an update has no rest; what is behind the last row stays out of use.
        WeightCount = (inputs + 1) * units;
        var length = WeightCount + Vector<float>.Count - 1;
        length -= length % Vector<float>.Count;
        (_weights, _gradient) = (new float[length], new float[length]);
        (_means, _squares) = (new float[length], new float[length]);

        // He et al., 2015, where half of the units are silent; Glorot and Bengio, 2010, otherwise.
        var width = MathF.Sqrt(activation is Activation.Relu ? 6f / inputs : 6f / (inputs + units));
        for (var i = 0; i < inputs * units; i++)
        {
            _weights[i] = width * ((2 * draws.Next()) - 1);
        }
    }

    public int WeightCount { get; }

    /// <summary>What the units have said last.</summary>
    public Span<float> Values => _values;

    /// <summary>How the loss changes with the values.</summary>
    public Span<float> Slopes => _slopes;

    /// <summary>Sets the values, with all units.</summary>
    public void Forward(ReadOnlySpan<float> inputs)
    {
        Weights(_inputs).CopyTo(_values);
        for (var i = 0; i < _inputs; i++)
        {
            AddScaled(_values, Weights(i), inputs[i]);
        }

        for (var u = 0; u < _values.Length; u++)
        {
            _values[u] = _activation switch
            {
                Activation.Relu => Math.Max(0, _values[u]),
                Activation.Tanh => MathF.Tanh(_values[u]),
                Activation.Logistic => 1 / (1 + MathF.Exp(-_values[u])),
                _ => _values[u],
            };
        }
    }

    /// <summary>Sets the values, with some units left out at random.</summary>
    public void Forward(ReadOnlySpan<float> inputs, ref Draws draws)
    {
        Forward(inputs);
        for (var u = 0; u < _values.Length; u++)
        {
            _kept[u] = _dropout > 0 && draws.Next() < _dropout ? 0 : 1 / (1 - _dropout);
            _values[u] *= _kept[u];
        }
    }

    /// <summary>Adds to the gradient, and sets the slopes of the inputs where they are asked for.</summary>
    public void Backward(ReadOnlySpan<float> inputs, Span<float> inputSlopes)
    {
        for (var u = 0; u < _slopes.Length; u++)
        {
            var value = _kept[u] > 0 ? _values[u] / _kept[u] : 0;
            _slopes[u] *= _kept[u] * _activation switch
            {
                Activation.Relu => value > 0 ? 1 : 0,
                Activation.Tanh => 1 - (value * value),
                Activation.Logistic => value * (1 - value),
                _ => 1,
            };
        }

        for (var i = 0; i < _inputs; i++)
        {
            AddScaled(Gradient(i), _slopes, inputs[i]);
            if (!inputSlopes.IsEmpty)
            {
                inputSlopes[i] = Dot(Weights(i), _slopes);
            }
        }

        AddScaled(Gradient(_inputs), _slopes, 1);
    }

    /// <summary>One step of AdamW, after which the gradient is 0.</summary>
    public void Update(float share, float rate, float decay, int updates)
    {
        var meanScale = rate / (1 - MathF.Pow(MeanMemory, updates));
        var squareScale = 1 / (1 - MathF.Pow(SquareMemory, updates));
        var weights = MemoryMarshal.Cast<float, Vector<float>>(_weights.AsSpan());
        var gradient = MemoryMarshal.Cast<float, Vector<float>>(_gradient.AsSpan());
        var means = MemoryMarshal.Cast<float, Vector<float>>(_means.AsSpan());
        var squares = MemoryMarshal.Cast<float, Vector<float>>(_squares.AsSpan());
        for (var b = 0; b < weights.Length; b++)
        {
            var slope = (gradient[b] * share) + NeverQuiteZero;
            gradient[b] = Vector<float>.Zero;
            means[b] = (MeanMemory * means[b]) + ((1 - MeanMemory) * slope);
            squares[b] = (SquareMemory * squares[b]) + ((1 - SquareMemory) * slope * slope);
            weights[b] -= (rate * decay * weights[b])
                + (meanScale * means[b] / (Vector.SquareRoot(squares[b] * squareScale) + Smallest));
        }
    }

    private static void AddScaled(Span<float> sums, ReadOnlySpan<float> row, float factor)
    {
        var sumBlocks = MemoryMarshal.Cast<float, Vector<float>>(sums);
        var rowBlocks = MemoryMarshal.Cast<float, Vector<float>>(row);
        for (var b = 0; b < sumBlocks.Length && b < rowBlocks.Length; b++)
        {
            sumBlocks[b] += rowBlocks[b] * factor;
        }

        for (var i = sumBlocks.Length * Vector<float>.Count; i < sums.Length; i++)
        {
            sums[i] += row[i] * factor;
        }
    }

    private static float Dot(ReadOnlySpan<float> left, ReadOnlySpan<float> right)
    {
        var leftBlocks = MemoryMarshal.Cast<float, Vector<float>>(left);
        var rightBlocks = MemoryMarshal.Cast<float, Vector<float>>(right);
        var sums = Vector<float>.Zero;
        for (var b = 0; b < leftBlocks.Length && b < rightBlocks.Length; b++)
        {
            sums += leftBlocks[b] * rightBlocks[b];
        }

        var sum = Vector.Sum(sums);
        for (var i = leftBlocks.Length * Vector<float>.Count; i < left.Length; i++)
        {
            sum += left[i] * right[i];
        }

        return sum;
    }

    private Span<float> Weights(int input) => _weights.AsSpan(input * _values.Length, _values.Length);

    private Span<float> Gradient(int input) => _gradient.AsSpan(input * _values.Length, _values.Length);
}
