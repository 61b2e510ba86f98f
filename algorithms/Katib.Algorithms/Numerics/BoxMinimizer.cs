namespace Katib.Algorithms.Numerics;

/// <summary>Values and gradients of several points at once.</summary>
/// <param name="which">For each row, the start that it belongs to.</param>
/// <param name="x">The points, one per row.</param>
/// <param name="values">To be filled: the objective of each row; what is not finite counts as infinitely bad.</param>
/// <param name="gradients">To be filled: the gradient of each row.</param>
internal delegate void BatchObjective(ReadOnlySpan<int> which, Matrix x, Span<double> values, Matrix gradients);

/// <summary>When <see cref="BoxMinimizer"/> stops.</summary>
/// <param name="MaxIterations">The largest number of steps of one start; with 0 the starts are only evaluated.</param>
/// <param name="GradientTolerance">Stop when no component of P(x - g) - x reaches this, P clipping to the box.</param>
/// <param name="RelativeDecrease">Stop when a step lowers f by no more than this times max(1, |f|).</param>
/// <param name="Rounds">After so many calls of the objective only the best start goes on.</param>
internal readonly record struct BoxMinimizerOptions(
    int MaxIterations, double GradientTolerance, double RelativeDecrease, int Rounds = int.MaxValue);

/// <summary>
/// Minimises a smooth function in a box from several starts, by projected L-BFGS; each round is one call of the
/// objective for all starts that are still on their way.
/// </summary>
/// <remarks>
/// <para>The two-loop recursion (J. Nocedal and S. J. Wright, Numerical Optimization, Alg. 7.4) runs over the free
/// variables only, those not held at a bound by the gradient; steps are clipped to the box and shortened until Armijo's
/// condition holds for the clipped step (D. P. Bertsekas, "Projected Newton methods", SIAM J. Control Optim. 20, 1982).
/// </para>
/// <para>The path of a start does not depend on the other starts; where it ends may, by
/// <see cref="BoxMinimizerOptions.Rounds"/>.</para>
/// </remarks>
internal static class BoxMinimizer
{
    /// <summary>Minimises from every row of <paramref name="starts"/>.</summary>
    /// <param name="starts">In: the starts, one per row, which are clipped to the box. Out: the best points.</param>
    /// <param name="lower">The lower bounds, which may be infinite.</param>
    /// <param name="upper">The upper bounds; equal bounds hold a variable fixed.</param>
    /// <param name="options">When to stop.</param>
    /// <param name="objective">The function.</param>
    /// <param name="values">Out: the objective at the best points, infinite where it was never finite.</param>
    public static void Minimize(
        Matrix starts,
        ReadOnlySpan<double> lower,
        ReadOnlySpan<double> upper,
        in BoxMinimizerOptions options,
        BatchObjective objective,
        Span<double> values)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(lower.Length, starts.Columns);
        ArgumentOutOfRangeException.ThrowIfNotEqual(upper.Length, starts.Columns);
        ArgumentOutOfRangeException.ThrowIfLessThan(values.Length, starts.Rows);
        var (low, high) = (lower.ToArray(), upper.ToArray());
        var descents = new Descent[starts.Rows];
        var active = new int[starts.Rows];
        for (var i = 0; i < descents.Length; i++)
        {
            descents[i] = new(starts.Row(i), low, high, options);
            active[i] = i;
        }

        var x = new Matrix(starts.Rows, starts.Columns);
        var gradients = new Matrix(starts.Rows, starts.Columns);
        var found = new double[starts.Rows];
        var count = active.Length;
        for (var round = 1; count > 0; round++)
        {
            x.Resize(count, starts.Columns);
            gradients.Resize(count, starts.Columns);
            for (var row = 0; row < count; row++)
            {
                descents[active[row]].Trial.CopyTo(x.Row(row));
            }

            objective(active.AsSpan(0, count), x, found.AsSpan(0, count), gradients);
            var kept = 0;
            for (var row = 0; row < count; row++)
            {
                var start = active[row];
                if (descents[start].Advance(found[row], gradients.Row(row)))
                {
                    active[kept++] = start;
                }
            }

            count = kept;
            if (round == options.Rounds)
            {
                count = KeepBest(descents, active.AsSpan(0, count));
            }
        }

        for (var i = 0; i < descents.Length; i++)
        {
            descents[i].Point.CopyTo(starts.Row(i));
            values[i] = descents[i].Value;
        }
    }

    /// <summary>Leaves the best of all descents, where it is still on its way, and none otherwise.</summary>
    /// <returns>How many are left in <paramref name="active"/>.</returns>
    private static int KeepBest(Descent[] descents, Span<int> active)
    {
        var best = 0;
        for (var i = 1; i < descents.Length; i++)
        {
            best = descents[i].Value < descents[best].Value ? i : best;
        }

        if (!active.Contains(best))
        {
            return 0;
        }

        active[0] = best;
        return 1;
    }

    /// <summary>One start on its way: it names a point to evaluate and is told the result.</summary>
    private sealed class Descent
    {
        /// <summary>Pairs of steps and changes of the gradient that are remembered.</summary>
        private const int Memory = 8;

        /// <summary>One more, for the pair that may turn out useless.</summary>
        private const int Slots = Memory + 1;

        private const int MaxTries = 20;
        private const double SufficientDecrease = 1e-4;
        private const double FirstStep = 0.5;
        private const double Curvature = 1e-10;

        private readonly BoxMinimizerOptions _options;
        private readonly double[] _lower;
        private readonly double[] _upper;
        private readonly double[] _point;
        private readonly double[] _gradient;
        private readonly double[] _trial;
        private readonly double[] _direction;
        private readonly bool[] _isFree;
        private readonly double[][] _steps = new double[Slots][];
        private readonly double[][] _changes = new double[Slots][];
        private readonly double[] _weights = new double[Memory];
        private readonly double[] _products = new double[Memory];
        private int _remembered;
        private int _newest;
        private int _iterations;
        private int _tries;
        private double _length;
        private double _slope;
        private bool _isStarted;

        public Descent(ReadOnlySpan<double> start, double[] lower, double[] upper, in BoxMinimizerOptions options)
        {
            (_lower, _upper, _options) = (lower, upper, options);
            (_point, _gradient) = (new double[start.Length], new double[start.Length]);
            (_trial, _direction) = (new double[start.Length], new double[start.Length]);
            _isFree = new bool[start.Length];
            for (var j = 0; j < start.Length; j++)
            {
                _trial[j] = Math.Clamp(start[j], lower[j], upper[j]);
            }

            _trial.CopyTo(_point, 0);
        }

        /// <summary>The point to evaluate next.</summary>
        public ReadOnlySpan<double> Trial => _trial;

        /// <summary>The best point so far.</summary>
        public ReadOnlySpan<double> Point => _point;

        /// <summary>The objective at <see cref="Point"/>.</summary>
        public double Value { get; private set; } = double.PositiveInfinity;

        /// <summary>Takes the result at <see cref="Trial"/>; false when the descent has ended.</summary>
        public bool Advance(double value, ReadOnlySpan<double> gradient)
        {
            var isFinite = double.IsFinite(value) && IsFinite(gradient);
            if (!_isStarted)
            {
                _isStarted = true;
                if (!isFinite)
                {
                    return false;
                }

                gradient.CopyTo(_gradient);
                Value = value;
                return TryBeginStep();
            }

            if (!isFinite || value > Value + (SufficientDecrease * _slope))
            {
                return TryShorten() || TryForget();
            }

            var decrease = Value - value;
            var scale = Math.Max(1, Math.Max(Math.Abs(Value), Math.Abs(value)));
            Remember(gradient);
            _trial.CopyTo(_point, 0);
            gradient.CopyTo(_gradient);
            Value = value;
            _iterations++;
            return decrease > _options.RelativeDecrease * scale && TryBeginStep();
        }

        private static bool IsFinite(ReadOnlySpan<double> vector)
        {
            foreach (var element in vector)
            {
                if (!double.IsFinite(element))
                {
                    return false;
                }
            }

            return true;
        }

        /// <summary>Chooses a direction and the first trial along it; false at the end.</summary>
        private bool TryBeginStep()
        {
            if (_iterations >= _options.MaxIterations || ProjectedGradient() < _options.GradientTolerance)
            {
                return false;
            }

            for (var j = 0; j < _point.Length; j++)
            {
                _isFree[j] = _gradient[j] > 0 ? _point[j] > _lower[j] : _point[j] < _upper[j];
            }

            if (!TryQuasiNewton())
            {
                SteepestDescent();
            }

            (_length, _tries) = (1, 0);
            return TryPlace() || TryShorten() || TryForget();
        }

        /// <summary>The largest component of P(x - g) - x.</summary>
        private double ProjectedGradient()
        {
            var largest = 0.0;
            for (var j = 0; j < _point.Length; j++)
            {
                var moved = Math.Clamp(_point[j] - _gradient[j], _lower[j], _upper[j]);
                largest = Math.Max(largest, Math.Abs(moved - _point[j]));
            }

            return largest;
        }

        /// <summary>Puts the trial at P(x + length * direction); false when that is not a step downhill.</summary>
        private bool TryPlace()
        {
            _tries++;
            _slope = 0;
            for (var j = 0; j < _point.Length; j++)
            {
                _trial[j] = Math.Clamp(_point[j] + (_length * _direction[j]), _lower[j], _upper[j]);
                _slope += _gradient[j] * (_trial[j] - _point[j]);
            }

            return _slope < 0;
        }

        private bool TryShorten()
        {
            while (_tries < MaxTries)
            {
                _length *= _tries <= 2 ? 0.5 : 0.2;
                if (TryPlace())
                {
                    return true;
                }
            }

            return false;
        }

        /// <summary>After a failed search with a quasi-Newton direction: starts afresh along the gradient.</summary>
        private bool TryForget()
        {
            if (_remembered is 0)
            {
                return false;
            }

            _remembered = 0;
            return TryBeginStep();
        }

        private void SteepestDescent()
        {
            _remembered = 0;
            var squares = 0.0;
            for (var j = 0; j < _point.Length; j++)
            {
                _direction[j] = _isFree[j] ? -_gradient[j] : 0;
                squares += _direction[j] * _direction[j];
            }

            var scale = Math.Min(1, FirstStep / Math.Sqrt(squares));
            for (var j = 0; j < _point.Length; j++)
            {
                _direction[j] *= scale;
            }
        }

        private bool TryQuasiNewton()
        {
            for (var j = 0; j < _point.Length; j++)
            {
                _direction[j] = _isFree[j] ? -_gradient[j] : 0;
            }

            var scale = 0.0;
            for (var age = 0; age < _remembered; age++)
            {
                var (step, change) = Pair(age);
                var product = FreeDot(step, change);
                var squares = FreeDot(change, change);
                var isUsable = product > Curvature * squares;
                _products[age] = isUsable ? product : 0;
                if (isUsable)
                {
                    scale = scale > 0 ? scale : product / squares;
                    _weights[age] = FreeDot(step, _direction) / product;
                    AddFree(-_weights[age], change);
                }
            }

            if (scale is 0)
            {
                return false;
            }

            for (var j = 0; j < _direction.Length; j++)
            {
                _direction[j] *= scale;
            }

            for (var age = _remembered - 1; age >= 0; age--)
            {
                if (_products[age] > 0)
                {
                    var (step, change) = Pair(age);
                    AddFree(_weights[age] - (FreeDot(change, _direction) / _products[age]), step);
                }
            }

            var slope = 0.0;
            for (var j = 0; j < _direction.Length; j++)
            {
                // Clipped away at any length, so it must not make the direction look better than it is.
                if (_direction[j] < 0 ? _point[j] <= _lower[j] : _point[j] >= _upper[j])
                {
                    _direction[j] = 0;
                }

                slope += _gradient[j] * _direction[j];
            }

            return slope < 0 && double.IsFinite(slope);
        }

        private void Remember(ReadOnlySpan<double> gradient)
        {
            var next = (_newest + 1) % Slots;
            var step = _steps[next] ??= new double[_point.Length];
            var change = _changes[next] ??= new double[_point.Length];
            var (product, squares) = (0.0, 0.0);
            for (var j = 0; j < _point.Length; j++)
            {
                step[j] = _trial[j] - _point[j];
                change[j] = gradient[j] - _gradient[j];
                product += step[j] * change[j];
                squares += change[j] * change[j];
            }

            if (product > Curvature * squares)
            {
                _newest = next;
                _remembered = Math.Min(_remembered + 1, Memory);
            }
        }

        private (double[] Step, double[] Change) Pair(int age)
        {
            var index = (_newest - age + Slots) % Slots;
            return (_steps[index], _changes[index]);
        }

        private double FreeDot(double[] a, double[] b)
        {
            var sum = 0.0;
            for (var j = 0; j < a.Length; j++)
            {
                sum += _isFree[j] ? a[j] * b[j] : 0;
            }

            return sum;
        }

        private void AddFree(double factor, double[] vector)
        {
            for (var j = 0; j < vector.Length; j++)
            {
                _direction[j] += _isFree[j] ? factor * vector[j] : 0;
            }
        }
    }
}
