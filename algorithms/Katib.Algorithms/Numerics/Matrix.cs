using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Katib.Algorithms.Numerics;

/// <summary>
/// Row-major matrix of doubles whose rows are padded with zeros to <see cref="Stride"/>, so that kernels may read whole
/// vectors. Reusable: <see cref="Resize"/> keeps the memory when it suffices.
/// </summary>
internal sealed class Matrix
{
    /// <summary>A cache line, in doubles.</summary>
    private const int Line = 8;

    private double[] _memory = [];
    private int _offset;

    /// <summary>A matrix of zeros.</summary>
    public Matrix(int rows, int columns)
    {
        Resize(rows, columns);
        for (var i = 0; i < rows; i++)
        {
            PaddedRow(i).Clear();
        }
    }

    /// <summary>The number of rows.</summary>
    public int Rows { get; private set; }

    /// <summary>The number of columns, without the padding.</summary>
    public int Columns { get; private set; }

    /// <summary>The distance between rows: at least <see cref="Columns"/>, a multiple of 4 and of a vector.</summary>
    public int Stride { get; private set; }

    /// <summary>The element in row <paramref name="i"/> and column <paramref name="j"/>.</summary>
    public ref double this[int i, int j] => ref Row(i)[j];

    /// <summary>A row, <see cref="Columns"/> long.</summary>
    public Span<double> Row(int i) => PaddedRow(i)[..Columns];

    /// <summary>A row with its padding, <see cref="Stride"/> long. Who writes the padding writes zeros.</summary>
    public Span<double> PaddedRow(int i)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)i, (uint)Rows, nameof(i));
        return _memory.AsSpan(_offset + (i * Stride), Stride);
    }

    /// <summary>Gives the matrix another size. Its elements are undefined afterwards, its padding is zero.</summary>
    public void Resize(int rows, int columns)
    {
        Reserve(rows, columns);
        (Rows, Columns, Stride) = (rows, columns, StrideOf(columns));
        for (var i = 0; i < rows; i++)
        {
            PaddedRow(i)[columns..].Clear();
        }
    }

    /// <summary>Takes the memory that a size needs; the elements are undefined when there was less.</summary>
    public void Reserve(int rows, int columns)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(rows);
        ArgumentOutOfRangeException.ThrowIfNegative(columns);
        var length = checked(rows * StrideOf(columns));
        if (_memory.Length < length + Line)
        {
            // Pinned, so that rows can start where no vector straddles two cache lines.
            _memory = GC.AllocateUninitializedArray<double>(length + Line, pinned: true);
            var address = (long)Marshal.UnsafeAddrOfPinnedArrayElement(_memory, 0) / sizeof(double);
            _offset = (int)((Line - (address % Line)) % Line);
        }
    }

    private static int StrideOf(int columns)
    {
        var granule = Math.Max(4, Vector<double>.Count);
        return (columns + granule - 1) / granule * granule;
    }

    /// <summary>The first element of a row, for kernels that have checked the sizes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal ref double At(int i, int j) =>
        ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(_memory), (nint)_offset + ((nint)i * Stride) + j);
}
