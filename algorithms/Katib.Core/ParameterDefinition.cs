using System.Collections.Immutable;
using System.Globalization;

namespace Katib;

/// <summary>One checked dimension of a search space.</summary>
/// <remarks>
/// A value has three forms: the user's text; a <em>coordinate</em>, which is the number itself for a continuum and the
/// index, from 0, for everything that has finitely many values; and a probability, in [0,1), from which values are
/// drawn.
/// </remarks>
public abstract record ParameterDefinition(string Name)
{
    /// <summary>
    /// How many values there are; null for a continuum. At most 2^53, so that an index is exact as a double.
    /// </summary>
    public abstract long? Count { get; }

    /// <summary>
    /// Whether it is a real number without a step, which a grid cannot list unless it has one value only.
    /// </summary>
    public virtual bool IsContinuum => Count is null;

    /// <summary>Whether a number is the coordinate of a value.</summary>
    public virtual bool Contains(double coordinate) =>
        coordinate >= 0 && coordinate < Count && Math.Floor(coordinate) == coordinate;

    /// <summary>Text to coordinate; false when the text is no value of this parameter.</summary>
    public abstract bool TryParse(string text, out double coordinate);

    /// <summary>Coordinate to text, exactly as Katib's users expect it.</summary>
    public abstract string Format(double coordinate);

    /// <summary>The coordinate that a probability in [0,1) falls on, under the parameter's distribution.</summary>
    public abstract double Quantile(double probability);

    /// <summary>Whether the values have an order and distances; those of a categorical parameter have none.</summary>
    public virtual bool IsOrdered => true;

    /// <summary>Whether the user expects good values in the middle: <c>normal</c> and <c>logNormal</c>.</summary>
    public virtual bool IsNormal => false;

    /// <summary>
    /// Where a coordinate lies between the least value, 0, and the greatest, 1, on the parameter's scale: logarithmic
    /// under <c>logUniform</c> and <c>logNormal</c>, else linear.
    /// </summary>
    /// <exception cref="NotSupportedException">The values have no order.</exception>
    public virtual double ToScale(double coordinate) => throw new NotSupportedException($"'{Name}' has no scale.");

    /// <summary>The coordinate whose value lies nearest to a place in [0,1] on the parameter's scale.</summary>
    /// <exception cref="NotSupportedException">The values have no order.</exception>
    public virtual double FromScale(double scaled) => throw new NotSupportedException($"'{Name}' has no scale.");
}

/// <summary>A real number of any value between two bounds.</summary>
public sealed record ContinuousParameter : ParameterDefinition
{
    private const int Digits = 12;

    private readonly double _min;
    private readonly double _max;
    private readonly Law _law;
    private readonly int _digits;
    private readonly double _noise;

    internal ContinuousParameter(string name, double min, double max, Distribution distribution)
        : base(name)
    {
        _min = min;
        _max = max;
        _law = new(distribution, min, max);
        IsNormal = Law.IsNormal(distribution);

        // 12 digits of the range, not of the value: between 1000 and 1001 a value needs 16.
        var excess = Math.Log10(Math.Max(Math.Abs(min), Math.Abs(max)) / (max - min));
        _digits = Digits + (excess > 0 ? (int)Math.Ceiling(excess) : 0);

        // Where the bounds enclose 0, a value this near to it is what is left of larger ones that cancel.
        _noise = min < 0 && max > 0 ? 2e-15 * ((max / 2) - (min / 2)) : 0;
    }

    /// <inheritdoc/>
    public override long? Count => null;

    /// <inheritdoc/>
    public override bool Contains(double coordinate) => coordinate >= _min && coordinate <= _max;

    /// <inheritdoc/>
    public override bool TryParse(string text, out double coordinate) =>
        Numbers.TryParse(text, out coordinate) && Contains(coordinate);

    /// <inheritdoc/>
    public override string Format(double coordinate) => Numbers.Format(coordinate);

    /// <inheritdoc/>
    public override bool IsNormal { get; }

    /// <inheritdoc/>
    public override double Quantile(double probability) =>
        probability <= 0 || probability >= 1 ? FromScale(probability) : FromScale(_law.Quantile(probability));

    /// <inheritdoc/>
    public override double ToScale(double coordinate) => _law.ToScale(coordinate);

    /// <inheritdoc/>
    public override double FromScale(double scaled)
    {
        if (scaled <= 0 || scaled >= 1)
        {
            return (scaled <= 0 ? _min : _max) + 0.0;
        }

        var value = _law.FromScale(scaled);
        value = Math.Abs(value) < _noise ? 0 : Numbers.RoundSignificant(value, _digits);
        return Math.Clamp(value, _min, _max) + 0.0;
    }
}

/// <summary>Finitely many numbers in ascending order: a stepped double, an int, a discrete list of numbers.</summary>
/// <remarks>
/// <para>Under <c>uniform</c> every value is equally likely. Under any other distribution a value has the mass of its
/// cell: the interval between the midpoints to its neighbours on the distribution's scale, where the outermost cells
/// are as wide outwards as inwards. Both ends are thus reached with their full mass.</para>
/// </remarks>
public abstract record NumericParameter : ParameterDefinition
{
    /// <summary>Up to here the cells are computed once; beyond, when they are needed.</summary>
    private const int MaxTable = 4096;

    private readonly long _count;
    private readonly double _first;
    private readonly double _last;
    private readonly Law? _law;
    private readonly Law _scale;
    private readonly double[]? _cells;

    /// <summary>Takes the distribution, and whether under <c>uniform</c> too a value has the mass of its cell.</summary>
    private protected NumericParameter(
        string name, long count, Distribution distribution, Func<long, double> valueAt, bool hasCells = false)
        : base(name)
    {
        _count = count;
        _first = valueAt(0);
        _last = valueAt(count - 1);
        ValueAt = valueAt;
        IsNormal = Law.IsNormal(distribution);
        _scale = new(distribution, _first, _last);
        if (count == 1 || (distribution is Distribution.Uniform && !hasCells))
        {
            return;
        }

        _law = new(
            distribution,
            _first,
            _last,
            marginBelow: _scale.ToScale(valueAt(1)) / 2,
            marginAbove: (1 - _scale.ToScale(valueAt(count - 2))) / 2);
        if (count <= MaxTable)
        {
            var scaled = Enumerable.Range(0, (int)count).Select(k => _law.ToScale(valueAt(k))).ToArray();
            _cells = [.. scaled.Zip(scaled.Skip(1), static (below, value) => (below + value) / 2)];
        }
    }

    /// <inheritdoc/>
    public override long? Count => _count;

    /// <inheritdoc/>
    public override bool IsNormal { get; }

    /// <summary>The number with the given index.</summary>
    protected internal Func<long, double> ValueAt { get; }

    /// <inheritdoc/>
    public override double ToScale(double coordinate) => _count == 1 ? 0 : _scale.ToScale(ValueAt((long)coordinate));

    /// <inheritdoc/>
    public override double FromScale(double scaled)
    {
        if (scaled <= 0 || scaled >= 1 || _count == 1)
        {
            return scaled <= 0 ? 0 : _count - 1;
        }

        var (low, high) = (0L, _count - 1);
        while (high - low > 1)
        {
            var middle = low + ((high - low) / 2);
            (low, high) = ToScale(middle) <= scaled ? (middle, high) : (low, middle);
        }

        return ToScale(high) - scaled < scaled - ToScale(low) ? high : low;
    }

    /// <inheritdoc/>
    public override double Quantile(double probability)
    {
        if (_law is null)
        {
            return Math.Min(Math.Floor(probability * _count), _count - 1);
        }

        var scaled = _law.Quantile(probability);
        if (_cells is not null)
        {
            var at = Array.BinarySearch(_cells, scaled);
            return at < 0 ? ~at : at + 1;
        }

        var (low, high) = (0L, _count - 1);
        while (low < high)
        {
            var middle = low + ((high - low + 1) / 2);
            (low, high) = scaled >= LowerEdge(middle) ? (middle, high) : (low, middle - 1);
        }

        return low;
    }

    /// <inheritdoc/>
    public override bool TryParse(string text, out double coordinate)
    {
        coordinate = 0;
        if (!Numbers.TryParse(text, out var value))
        {
            return false;
        }

        // Where the values are evenly spread, this finds one of them at once.
        var guess = Math.Round((value - _first) / (_last - _first) * (_count - 1));
        if (guess >= 0 && guess < _count && ValueAt((long)guess).Equals(value))
        {
            coordinate = guess;
            return true;
        }

        var nearest = Nearest(value);
        coordinate = nearest;
        return IsAt(nearest, value);
    }

    /// <summary>The index of the value nearest to the given one.</summary>
    private long Nearest(double value)
    {
        var (low, high) = (0L, _count - 1);
        while (low < high)
        {
            var middle = low + ((high - low) / 2);
            (low, high) = ValueAt(middle) < value ? (middle + 1, high) : (low, middle);
        }

        return low > 0 && value - ValueAt(low - 1) < ValueAt(low) - value ? low - 1 : low;
    }

    /// <summary>
    /// Whether a number is meant to be the value with the given index: other services print 0.30000000000000004 where
    /// we print 0.3, and 5.551115123125783e-17 where we print 0.0.
    /// </summary>
    private bool IsAt(long index, double number)
    {
        var value = ValueAt(index);
        var distance = Math.Abs(value - number);
        return distance <= 1e-12 * Math.Abs(number)
            || (index > 0 && index < _count - 1
                && distance <= 1e-12 * Math.Min(value - ValueAt(index - 1), ValueAt(index + 1) - value));
    }

    private double LowerEdge(long k) => (_law!.ToScale(ValueAt(k - 1)) + _law.ToScale(ValueAt(k))) / 2;

}

/// <summary>A double with a step: <c>min + k * step</c>, printed as the decimal it is.</summary>
public sealed record SteppedParameter : NumericParameter
{
    internal SteppedParameter(string name, ArithmeticGrid grid, Distribution distribution)
        : base(name, (long)grid.Count, distribution, grid.ValueAt)
    {
    }

    /// <summary>A range so narrow that its doubles can be counted: each of them is one value.</summary>
    /// <remarks>
    /// Doubles lie twice as dense below a power of two as above it, so that even <c>uniform</c> needs cells.
    /// </remarks>
    internal SteppedParameter(string name, double min, long count, Distribution distribution)
        : base(name, count, distribution, k => OrderedDoubles.At(min, k), hasCells: true) => IsContinuum = count > 1;

    /// <inheritdoc/>
    public override bool IsContinuum { get; }

    /// <inheritdoc/>
    public override string Format(double coordinate) => Numbers.Format(ValueAt((long)coordinate));
}

/// <summary>A whole number between two bounds, both included.</summary>
public sealed record IntParameter : NumericParameter
{
    private readonly Func<long, long> _wholeAt;

    internal IntParameter(string name, long count, Distribution distribution, Func<long, long> wholeAt)
        : base(name, count, distribution, k => wholeAt(k)) => _wholeAt = wholeAt;

    /// <inheritdoc/>
    public override string Format(double coordinate) =>
        _wholeAt((long)coordinate).ToString(CultureInfo.InvariantCulture);
}

/// <summary>One of a list of numbers, ordered by size and returned in the user's own spelling.</summary>
public sealed record DiscreteParameter : NumericParameter
{
    private readonly ImmutableArray<string> _texts;
    private readonly bool _isEven;

    private DiscreteParameter(string name, ImmutableArray<string> texts, double[] values, Distribution distribution)
        : base(name, values.Length, distribution, k => values[k])
    {
        _texts = texts;
        _isEven = distribution is Distribution.Uniform;
    }

    /// <summary>Takes texts that are all finite numbers, no two of them equal.</summary>
    public static DiscreteParameter Of(string name, ImmutableArray<string> texts, Distribution distribution)
    {
        var values = texts.Select(static t => double.Parse(t, CultureInfo.InvariantCulture)).ToArray();
        var ordered = texts.ToArray();
        Array.Sort(values, ordered);
        return new(name, [.. ordered], values, distribution);
    }

    /// <inheritdoc/>
    /// <remarks>Under <c>uniform</c> the entries are even steps: so are 16, 32, 64 meant, and 0.1, 0.01, 0.001.</remarks>
    public override double ToScale(double coordinate) =>
        _isEven ? coordinate / Math.Max(1, _texts.Length - 1) : base.ToScale(coordinate);

    /// <inheritdoc/>
    public override string Format(double coordinate) => _texts[(int)coordinate];
}

/// <summary>One of a list without order, each equally likely.</summary>
public sealed record CategoricalParameter : ParameterDefinition
{
    private readonly ImmutableArray<string> _choices;

    internal CategoricalParameter(string name, ImmutableArray<string> choices)
        : base(name) => _choices = choices;

    /// <inheritdoc/>
    public override long? Count => _choices.Length;

    /// <inheritdoc/>
    public override bool IsOrdered => false;

    /// <inheritdoc/>
    public override bool TryParse(string text, out double coordinate)
    {
        coordinate = _choices.IndexOf(text);
        return coordinate >= 0;
    }

    /// <inheritdoc/>
    public override string Format(double coordinate) => _choices[(int)coordinate];

    /// <inheritdoc/>
    public override double Quantile(double probability) =>
        Math.Min(Math.Floor(probability * _choices.Length), _choices.Length - 1);
}
