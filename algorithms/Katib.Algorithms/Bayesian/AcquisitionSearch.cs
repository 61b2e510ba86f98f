using System.Collections.Immutable;
using Katib.Algorithms.Numerics;
using Katib.Algorithms.Sequences;

namespace Katib.Algorithms.Bayesian;

/// <summary>Finds the most promising point that has not been tried.</summary>
/// <remarks>
/// Many candidates are judged at once; the best of them, far from each other, are climbed from: along the axes that have
/// a gradient together, by L-BFGS in lock step, and along the others one after the other, by trying their values. A
/// finite space that is small is judged whole. A category that is held is what all points have.
/// </remarks>
internal sealed class AcquisitionSearch(
    SearchSpace space,
    ModelSpace model,
    GaussianProcess process,
    Acquisition acquisition,
    TrustRegion? region,
    IReadOnlySet<Point> taken,
    Category? held,
    Philox random,
    CancellationToken cancellationToken)
{
    private const int MaxListed = 4096;
    private const int GlobalCandidates = 1536;
    private const int LocalCandidates = 512;
    private const int LocalCenters = 5;
    private const int GlobalStarts = 8;
    private const int LocalStarts = 3;
    private const double StartDistance = 0.2;
    private const double MinGain = 1e-6;

    /// <summary>When so many points have been judged, the climbs end where they are.</summary>
    private const int MaxJudged = 10_000;

    /// <summary>Up to so many values are all tried; of longer lists those 1, 2, 4, ... steps away.</summary>
    private const int MaxTried = 16;

    private static readonly BoxMinimizerOptions Climb =
        new(MaxIterations: 40, GradientTolerance: 1e-5, RelativeDecrease: 1e-8);

    private readonly double[] _scales = [.. Enumerable.Range(0, model.Dimension)
        .Select(d => Math.Min(1, process.Hyperparameters.Length(d)))];

    private readonly int[] _smooth =
        [.. Enumerable.Range(0, model.Dimension).Where(d => model.Axes[d].IsSmooth)];

    private readonly int[] _rough =
    [
        .. Enumerable.Range(0, model.Dimension)
            .Where(d => model.Axes[d].Levels is not null && d != held?.Axis),
    ];

    /// <summary>The observed places that may be looked around, the best first.</summary>
    private readonly ImmutableArray<int> _centers = process.Best(LocalCenters, held);

    /// <summary>How many points have been judged, which is what a search costs.</summary>
    public int Judged { get; private set; }

    /// <summary>The point; null when every point has been tried.</summary>
    public Point? Best()
    {
        if (space.Size is { } size && size <= MaxListed)
        {
            var all = Enumerable.Range(0, (int)size).Select(i => space.PointAt(i));
            var free = all.Where(p => !taken.Contains(p)).ToImmutableArray();
            return BestOf(free.RemoveAll(p => held?.Has(p, model) is false)) ?? BestOf(free);
        }

        var global = Global();
        var local = Local();
        var values = Judge(Matrix([.. global, .. local]));
        var starts = Starts([.. global, .. local], values, global.Length);
        Ascend(starts);
        var found = Enumerable.Range(0, starts.Rows).Select(i => model.Decode(starts.Row(i)))
            .Concat(Neighbours(starts)).Where(p => !taken.Contains(p)).Distinct().ToImmutableArray();
        return BestOf(found)
            ?? BestOf([.. global.Concat(local).Select(c => model.Decode(c)).Where(p => !taken.Contains(p))])
            ?? Unseen();
    }

    private Point? BestOf(ImmutableArray<Point> points)
    {
        if (points.IsEmpty)
        {
            return null;
        }

        var units = new Matrix(points.Length, model.Dimension);
        for (var i = 0; i < points.Length; i++)
        {
            model.Encode(points[i], units.Row(i));
        }

        return points[IndexOfMax(Judge(units))];
    }

    /// <summary>A point of a finite space that nobody has tried, should all that were looked at be taken.</summary>
    private Point? Unseen()
    {
        if (space.Size is { } size && taken.Count >= size)
        {
            return null;
        }

        var probabilities = new double[space.Dimension];
        for (var index = 0UL; index < 100_000; index++)
        {
            new Philox(random.Key + 1).Fill(index, probabilities);
            if (space.Quantile(probabilities) is var point && !taken.Contains(point))
            {
                return point;
            }
        }

        return null;
    }

    private double[] Judge(Matrix units)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var values = new double[units.Rows];
        acquisition.Evaluate(units, values);
        Judged += units.Rows;
        return values;
    }

    private static int IndexOfMax(ReadOnlySpan<double> values)
    {
        var best = 0;
        for (var i = 1; i < values.Length; i++)
        {
            best = values[i] > values[best] ? i : best;
        }

        return best;
    }

    private Matrix Matrix(ImmutableArray<double[]> rows)
    {
        var matrix = new Matrix(rows.Length, model.Dimension);
        for (var i = 0; i < rows.Length; i++)
        {
            rows[i].CopyTo(matrix.Row(i));
        }

        return matrix;
    }

    /// <summary>Candidates from the users' distributions.</summary>
    private ImmutableArray<double[]> Global()
    {
        var sobol = new SobolSequence(space.Dimension, random.Key);
        var probabilities = new double[space.Dimension];
        var units = ImmutableArray.CreateBuilder<double[]>(GlobalCandidates);
        for (var i = 0; i < GlobalCandidates; i++)
        {
            sobol.Fill(i, probabilities);
            var unit = new double[model.Dimension];
            model.Encode(space.Quantile(probabilities), unit);
            region?.MoveInto(unit, new(random.Key + 2), (ulong)i);
            units.Add(Snapped(Held(unit)));
        }

        return units.MoveToImmutable();
    }

    /// <summary>Candidates around the best places: on few axes, at distances of all orders.</summary>
    private ImmutableArray<double[]> Local()
    {
        const double CategoryShare = 0.3;
        var draws = new double[1 + (3 * model.Dimension)];
        var units = ImmutableArray.CreateBuilder<double[]>(LocalCandidates);
        var share = Math.Min(1, 4.0 / model.Dimension);
        for (var i = 0; i < LocalCandidates; i++)
        {
            random.Fill((ulong)i, draws);
            var unit = process.Observations.Sites.Units.Row(_centers[i % _centers.Length]).ToArray();
            for (var d = 0; d < unit.Length; d++)
            {
                var axis = model.Axes[d];
                var (chance, size, side) = (draws[3 * d], draws[(3 * d) + 1], draws[(3 * d) + 2]);
                if (axis.IsCategorical)
                {
                    unit[d] = chance < Math.Min(share, CategoryShare) ? Math.Floor(side * axis.Levels!.Value) : unit[d];
                }
                else if (chance < share)
                {
                    var step = Math.Pow(10, -2.5 + (2 * size)) * _scales[d] * (side < 0.5 ? -1 : 1);
                    unit[d] = Clamp(d, unit[d] + step);
                }
            }

            units.Add(Snapped(Held(unit)));
        }

        return units.MoveToImmutable();
    }

    private double Clamp(int d, double unit) => Math.Clamp(unit, region?.Lower[d] ?? 0, region?.Upper[d] ?? 1);

    /// <summary>The place moved to the category that is held.</summary>
    private double[] Held(double[] unit)
    {
        if (held is { } category)
        {
            unit[category.Axis] = category.Index;
        }

        return unit;
    }

    private double[] Snapped(double[] unit)
    {
        foreach (var d in _rough)
        {
            unit[d] = Snap(d, unit[d]);
        }

        return unit;
    }

    private double Snap(int d, double unit) =>
        model.Axes[d].Levels is null ? unit : model.Axes[d].Encode(model.Axes[d].Decode(unit));

    /// <summary>The best candidates, and the best observed place; none of the global ones near another.</summary>
    private Matrix Starts(ImmutableArray<double[]> candidates, double[] values, int globals)
    {
        var chosen = new List<double[]>
        {
            candidates[IndexOfMax(values)],
            Held(process.Observations.Sites.Units.Row(_centers[0]).ToArray()),
        };
        var wanted = chosen.Count + GlobalStarts;
        var byValue = Enumerable.Range(0, candidates.Length).OrderByDescending(i => values[i]).ToArray();
        foreach (var i in byValue.Where(i => i < globals))
        {
            if (chosen.Count < wanted && chosen.TrueForAll(c => AreApart(c, candidates[i])))
            {
                chosen.Add(candidates[i]);
            }
        }

        chosen.AddRange(byValue.Where(i => i >= globals).Take(LocalStarts).Select(i => candidates[i]));
        return Matrix([.. chosen]);
    }

    private bool AreApart(double[] a, double[] b)
    {
        var sum = 0.0;
        for (var d = 0; d < a.Length; d++)
        {
            var difference = model.Axes[d].IsCategorical ? (a[d] == b[d] ? 0 : 1) : (a[d] - b[d]) / _scales[d];
            sum += difference * difference;
        }

        return sum > StartDistance * StartDistance * a.Length;
    }

    /// <summary>Climbs from every row, which is moved to where it leads.</summary>
    private void Ascend(Matrix starts)
    {
        var before = Judge(starts);
        while (Judged < MaxJudged)
        {
            if (_smooth.Length > 0)
            {
                ClimbSmooth(starts);
            }

            var after = _rough.Length > 0 ? Sweep(starts) : Judge(starts);
            var gain = after.Zip(before, static (a, b) => a - b).Max();
            before = after;
            if (!(gain > MinGain) || _rough.Length is 0)
            {
                break;
            }
        }
    }

    private void ClimbSmooth(Matrix starts)
    {
        var variables = new Matrix(starts.Rows, _smooth.Length);
        var lower = new double[_smooth.Length];
        var upper = new double[_smooth.Length];
        for (var j = 0; j < _smooth.Length; j++)
        {
            lower[j] = Clamp(_smooth[j], 0) / _scales[_smooth[j]];
            upper[j] = Clamp(_smooth[j], 1) / _scales[_smooth[j]];
            for (var i = 0; i < starts.Rows; i++)
            {
                variables[i, j] = starts[i, _smooth[j]] / _scales[_smooth[j]];
            }
        }

        var units = new Matrix(0, 0);
        var slopes = new Matrix(0, 0);
        BoxMinimizer.Minimize(variables, lower, upper, Climb, Evaluate, new double[starts.Rows]);
        for (var i = 0; i < starts.Rows; i++)
        {
            Place(variables.Row(i), starts.Row(i));
        }

        void Evaluate(ReadOnlySpan<int> which, Matrix x, Span<double> values, Matrix gradients)
        {
            cancellationToken.ThrowIfCancellationRequested();
            units.Resize(which.Length, model.Dimension);
            slopes.Resize(which.Length, model.Dimension);
            for (var i = 0; i < which.Length; i++)
            {
                starts.Row(which[i]).CopyTo(units.Row(i));
                Place(x.Row(i), units.Row(i));
            }

            acquisition.Evaluate(units, values, slopes);
            Judged += which.Length;
            for (var i = 0; i < which.Length; i++)
            {
                values[i] = -values[i];
                for (var j = 0; j < _smooth.Length; j++)
                {
                    gradients[i, j] = -slopes[i, _smooth[j]] * _scales[_smooth[j]];
                }
            }
        }
    }

    private void Place(ReadOnlySpan<double> variables, Span<double> unit)
    {
        for (var j = 0; j < _smooth.Length; j++)
        {
            unit[_smooth[j]] = Math.Clamp(variables[j] * _scales[_smooth[j]], 0, 1);
        }
    }

    /// <summary>Tries other values on each axis that has finitely many; all rows at once.</summary>
    /// <returns>The values that the rows have then.</returns>
    private double[] Sweep(Matrix starts)
    {
        for (var i = 0; i < starts.Rows; i++)
        {
            foreach (var d in _rough)
            {
                starts[i, d] = Snap(d, starts[i, d]);
            }
        }

        var values = Judge(starts);
        foreach (var d in _rough.TakeWhile(_ => Judged < MaxJudged))
        {
            var tried = new List<double[]>();
            var owners = new List<int>();
            for (var i = 0; i < starts.Rows; i++)
            {
                foreach (var other in Others(d, starts[i, d]))
                {
                    var unit = starts.Row(i).ToArray();
                    unit[d] = other;
                    tried.Add(unit);
                    owners.Add(i);
                }
            }

            var found = Judge(Matrix([.. tried]));
            for (var t = 0; t < found.Length; t++)
            {
                if (found[t] > values[owners[t]])
                {
                    values[owners[t]] = found[t];
                    starts[owners[t], d] = tried[t][d];
                }
            }
        }

        return values;
    }

    private IEnumerable<double> Others(int d, double unit)
    {
        var axis = model.Axes[d];
        var count = axis.Levels!.Value;
        var here = (long)axis.Decode(unit);
        if (count <= MaxTried || axis.IsCategorical)
        {
            for (var k = 0L; k < count; k++)
            {
                if (k != here)
                {
                    yield return axis.Encode(k);
                }
            }

            yield break;
        }

        for (var step = 1L; step < count; step *= 2)
        {
            if (here - step >= 0)
            {
                yield return axis.Encode(here - step);
            }

            if (here + step < count)
            {
                yield return axis.Encode(here + step);
            }
        }
    }

    /// <summary>Every point one step away on one axis: where a climb ends on a point that is taken, one of them serves.</summary>
    private IEnumerable<Point> Neighbours(Matrix starts)
    {
        for (var i = 0; i < starts.Rows; i++)
        {
            if (!taken.Contains(model.Decode(starts.Row(i))))
            {
                continue;
            }

            foreach (var d in _rough)
            {
                foreach (var other in Others(d, starts[i, d]))
                {
                    var unit = starts.Row(i).ToArray();
                    unit[d] = other;
                    yield return model.Decode(unit);
                }
            }
        }
    }
}
