using Katib.Algorithms.Numerics;

namespace Katib.Algorithms.Bayesian;

/// <summary>How promising points are: the logarithm of the improvement that is expected of them.</summary>
/// <remarks>
/// <para>Trials that run and points already picked are taken into account through joint fantasies: samples of what the
/// function may be at them and at the best observed points. In each, the improvement is that over the sample's own best,
/// in closed form; the mean over the samples is what counts. Without any such place there is one sample: the least
/// posterior mean.</para>
/// <para>B. Letham and others, "Constrained Bayesian optimization with noisy experiments", 2019, for the fantasies;
/// S. Ament and others, 2023, for the logarithm.</para>
/// </remarks>
internal sealed class Acquisition
{
    /// <summary>Points that are worked on at once.</summary>
    private const int Batch = 128;

    private const double MinVariance = 1e-10;
    private const double FantasyJitter = 1e-9;

    /// <summary>How many deviations below the mean the lower confidence bound lies.</summary>
    private const double ConfidenceDeviations = 1.8;

    private readonly ModelSpace _space;
    private readonly GaussianProcess _process;
    private readonly AcquisitionKind _kind;
    private readonly Feasibility? _feasibility;
    private readonly double _beliefWeight;
    private readonly int _open;
    private readonly Sites _openSites;
    private readonly Matrix _openRows;
    private readonly Matrix _openFactor;
    private readonly Matrix _openGains;
    private readonly Matrix _normals;
    private readonly double[] _bests;
    private readonly double _least;

    private readonly Matrix _rows;
    private readonly Matrix _slopes;
    private readonly Matrix _products;
    private readonly Matrix _openCovariances = new(0, 0);
    private readonly Matrix _openProducts = new(0, 0);
    private readonly double[] _openSlopes;
    private readonly double[] _weights;
    private readonly double[] _shares;
    private readonly double[] _standardized;
    private readonly double[] _expected;
    private readonly double[] _cumulative;
    private readonly double[] _density;

    /// <summary>Prepares to judge points.</summary>
    /// <param name="space">The model's space.</param>
    /// <param name="process">The model.</param>
    /// <param name="kind">By what they are judged.</param>
    /// <param name="feasibility">How probable it is that a trial ends with a loss; null when none failed.</param>
    /// <param name="open">Places whose losses are not known but sampled.</param>
    /// <param name="normals">Standard normal numbers: a row for each such place, a column for each sample.</param>
    /// <param name="beliefWeight">How much the user's normal distributions count.</param>
    /// <param name="workspace">Memory of its own while it is used.</param>
    public Acquisition(
        ModelSpace space,
        GaussianProcess process,
        AcquisitionKind kind,
        Feasibility? feasibility,
        Sites open,
        Matrix normals,
        double beliefWeight,
        Workspace workspace)
    {
        (_rows, _slopes, _products) = (workspace.Rows, workspace.RowSlopes, workspace.Products);
        (_space, _process, _kind, _feasibility, _beliefWeight) = (space, process, kind, feasibility, beliefWeight);
        (_open, _openSites, _normals) = (open.Count, open, normals);
        var n = process.Observations.Count;
        _least = n > 0 ? Enumerable.Range(0, n).Min(process.MeanAt) : 0;
        _weights = new double[n];
        _openSlopes = new double[_open];
        _openRows = new(_open, n);
        _openGains = new(_open, n);
        _openFactor = new(_open, _open);
        _bests = _open is 0 ? [_least] : SampleBests();
        _shares = new double[_bests.Length];
        _standardized = new double[_bests.Length];
        _expected = new double[_bests.Length];
        _cumulative = new double[_bests.Length];
        _density = new double[_bests.Length];
    }

    /// <summary>Judges points, each row one in the model's numbers.</summary>
    public void Evaluate(Matrix units, Span<double> values)
    {
        for (var start = 0; start < units.Rows; start += Batch)
        {
            Evaluate(units, start, Math.Min(Batch, units.Rows - start), values, gradients: null);
        }
    }

    /// <summary>The same with derivatives; those along categories are 0.</summary>
    public void Evaluate(Matrix units, Span<double> values, Matrix gradients)
    {
        for (var start = 0; start < units.Rows; start += Batch)
        {
            Evaluate(units, start, Math.Min(Batch, units.Rows - start), values, gradients);
        }
    }

    /// <summary>Samples the losses at the open places jointly, and keeps the best of each sample.</summary>
    private double[] SampleBests()
    {
        var kernel = _process.Kernel;
        var n = _process.Observations.Count;
        var means = new double[_open];
        for (var b = 0; b < _open; b++)
        {
            var row = _openRows.Row(b);
            kernel.Distances(_openSites.Units.Row(b), _process.Observations.Sites.Columns, row);
            kernel.Covariances(row);
            means[b] = _process.Mean + DenseKernels.Dot(row, _process.Residuals);
        }

        DenseKernels.MultiplyTransposed(_openRows, _open, _process.Inverse, n, n, _openGains);
        for (var b = 0; b < _open; b++)
        {
            var row = _openFactor.Row(b)[..(b + 1)];
            kernel.Distances(_openSites.Units.Row(b), _openSites.Columns, row);
            kernel.Covariances(row);
            for (var c = 0; c <= b; c++)
            {
                row[c] -= DenseKernels.Dot(_openGains.Row(b), _openRows.Row(c));
            }

            row[b] += FantasyJitter * kernel.Signal;
        }

        // Where open places coincide their covariance is singular, and a little noise tells them apart.
        var covariance = new Matrix(_open, _open);
        Copy(_openFactor, covariance);
        for (var jitter = FantasyJitter; !DenseKernels.TryFactor(_openFactor, 0, _open, 1e-14); jitter *= 10)
        {
            Copy(covariance, _openFactor);
            for (var b = 0; b < _open; b++)
            {
                _openFactor[b, b] += jitter * 10 * kernel.Signal;
            }
        }

        var bests = new double[_normals.Columns];
        var sampled = new double[bests.Length];
        bests.AsSpan().Fill(double.PositiveInfinity);
        for (var b = 0; b < _open; b++)
        {
            sampled.AsSpan().Fill(means[b]);
            for (var c = 0; c <= b; c++)
            {
                VectorSums.AddScaled(_openFactor[b, c], _normals.Row(c), sampled);
            }

            for (var s = 0; s < bests.Length; s++)
            {
                bests[s] = Math.Min(bests[s], sampled[s]);
            }
        }

        return bests;
    }

    private static void Copy(Matrix from, Matrix to)
    {
        for (var i = 0; i < from.Rows; i++)
        {
            from.Row(i).CopyTo(to.Row(i));
        }
    }

    private void Evaluate(Matrix units, int start, int count, Span<double> values, Matrix? gradients)
    {
        var sites = _process.Observations.Sites;
        var n = sites.Count;
        _rows.Resize(count, n);
        _slopes.Resize(gradients is null ? 0 : count, n);
        _products.Resize(count, n);
        for (var i = 0; i < count; i++)
        {
            var row = _rows.Row(i);
            _process.Kernel.Distances(units.Row(start + i), sites.Columns, row);
            _process.Kernel.Covariances(row, gradients is null ? [] : _slopes.Row(i));
        }

        DenseKernels.MultiplyTransposed(_rows, count, _process.Inverse, n, n, _products);
        if (_open > 0)
        {
            _openCovariances.Resize(count, _open);
            _openProducts.Resize(count, _open);
            DenseKernels.MultiplyTransposed(_products, count, _openRows, _open, n, _openProducts);
        }

        for (var i = 0; i < count; i++)
        {
            var gradient = gradients is null ? [] : gradients.Row(start + i);
            gradient.Clear();
            values[start + i] = Evaluate(units.Row(start + i), i, gradient);
        }

        _feasibility?.Add(units, start, count, values, gradients);
    }

    private double Evaluate(ReadOnlySpan<double> unit, int i, Span<double> gradient)
    {
        var kernel = _process.Kernel;
        var row = _rows.Row(i);
        var mean = _process.Mean + DenseKernels.Dot(row, _process.Residuals);
        var variance = kernel.Signal - DenseKernels.Dot(row, _products.Row(i));
        Span<double> loads = [];
        if (_open > 0)
        {
            loads = _openCovariances.Row(i);
            kernel.Distances(unit, _openSites.Columns, loads);
            kernel.Covariances(loads, _openSlopes);
            for (var b = 0; b < _open; b++)
            {
                loads[b] -= _openProducts[i, b];
            }

            DenseKernels.SolveLower(_openFactor, _open, loads);
            variance -= DenseKernels.Dot(loads, loads);
        }

        var isClamped = !(variance > MinVariance * kernel.Signal);
        var deviation = Math.Sqrt(isClamped ? MinVariance * kernel.Signal : variance);
        var value = _kind is AcquisitionKind.LowerConfidenceBound
            ? Bound(mean, deviation, out var byMean, out var byDeviation)
            : Improve(mean, deviation, loads, out byMean, out byDeviation);
        if (!gradient.IsEmpty)
        {
            AddGradient(unit, i, loads, byMean, isClamped ? 0 : byDeviation / (2 * deviation), gradient);
        }

        return value + Believe(unit, gradient);
    }

    private double Bound(double mean, double deviation, out double byMean, out double byDeviation)
    {
        (byMean, byDeviation) = (-1, ConfidenceDeviations);
        _shares.AsSpan().Clear();
        return (ConfidenceDeviations * deviation) - mean;
    }

    /// <summary>
    /// The logarithm of the mean improvement over the samples, its derivatives by mean and deviation, and the derivatives
    /// by the samples' means in <see cref="_shares"/>.
    /// </summary>
    private double Improve(
        double mean, double deviation, ReadOnlySpan<double> loads, out double byMean, out double byDeviation)
    {
        var isProbability = _kind is AcquisitionKind.ProbabilityOfImprovement;
        for (var s = 0; s < _bests.Length; s++)
        {
            _standardized[s] = _bests[s] - mean;
        }

        for (var b = 0; b < loads.Length; b++)
        {
            VectorSums.AddScaled(-loads[b], _normals.Row(b), _standardized);
        }

        VectorSums.Scale(1 / deviation, _standardized);
        var exponent = Improvement.Evaluate(_standardized, _expected, _cumulative, _density);
        var (values, falls) = isProbability ? (_cumulative, _density) : (_expected, _cumulative);
        var sum = VectorSums.Sum(values);
        var scale = -1 / (deviation * sum);
        falls.CopyTo(_shares.AsSpan());
        VectorSums.Scale(scale, _shares);
        byMean = VectorSums.Sum(_shares);
        byDeviation = isProbability
            ? DenseKernels.Dot(_shares, _standardized)
            : -scale * VectorSums.Sum(_density);
        var value = exponent + Math.Log(sum / _bests.Length);
        return isProbability ? value : value + Math.Log(deviation);
    }

    /// <summary>
    /// The derivatives by place: one weighted sum over the observations and one over the open places, whatever the number
    /// of samples.
    /// </summary>
    private void AddGradient(
        ReadOnlySpan<double> unit, int i, Span<double> loads, double byMean, double byVariance, Span<double> gradient)
    {
        var product = _products.Row(i);
        var slopes = _slopes.Row(i);
        _weights.AsSpan().Clear();
        VectorSums.AddScaled(byMean, _process.Residuals, _weights);
        VectorSums.AddScaled(-2 * byVariance, product, _weights);

        if (_open > 0)
        {
            // By the loads, then back through the factor: by the covariances with the open places.
            for (var b = 0; b < _open; b++)
            {
                loads[b] = (-2 * byVariance * loads[b]) + DenseKernels.Dot(_shares, _normals.Row(b));
            }

            DenseKernels.SolveLowerTransposed(_openFactor, _open, loads);
            for (var b = 0; b < _open; b++)
            {
                VectorSums.AddScaled(-loads[b], _openGains.Row(b), _weights);
                loads[b] *= _openSlopes[b];
            }
        }

        VectorSums.Multiply(slopes, _weights);

        var columns = _process.Observations.Sites.Columns;
        for (var d = 0; d < gradient.Length; d++)
        {
            if (!_process.Kernel.IsCategorical(d))
            {
                var sum = VectorSums.Differences(columns.Row(d), unit[d], _weights)
                    + (_open > 0 ? VectorSums.Differences(_openSites.Columns.Row(d), unit[d], loads) : 0);
                gradient[d] += 2 * _process.Kernel.Weights[d] * sum;
            }
        }
    }

    /// <summary>The user's normal distributions as a belief where good points lie, which fades with the results.</summary>
    private double Believe(ReadOnlySpan<double> unit, Span<double> gradient)
    {
        // Around the middle with a sixth of the range as deviation: ln π = -18 (u - 1/2)².
        const double Precision = 36;
        var sum = 0.0;
        for (var d = 0; d < unit.Length; d++)
        {
            if (_space.Axes[d].Parameter.IsNormal)
            {
                var distance = unit[d] - 0.5;
                sum -= _beliefWeight * Precision / 2 * distance * distance;
                if (!gradient.IsEmpty)
                {
                    gradient[d] -= _beliefWeight * Precision * distance;
                }
            }
        }

        return sum;
    }
}
