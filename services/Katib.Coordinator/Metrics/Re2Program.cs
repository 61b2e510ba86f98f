using System.Collections.Immutable;

namespace Katib.Coordinator.Metrics;

/// <summary>What one instruction of a <see cref="Re2Program"/> does.</summary>
internal enum Re2Op
{
    /// <summary>Takes one character of the set.</summary>
    Take,

    /// <summary>Goes on where the place is right.</summary>
    Check,

    /// <summary>Remembers the position in the slot <c>To</c>.</summary>
    Save,

    /// <summary>Goes on at <c>To</c>.</summary>
    Jump,

    /// <summary>Goes on at <c>To</c> and, with less right, at <c>Else</c>.</summary>
    Fork,

    /// <summary>The end: a match.</summary>
    Match,
}

/// <summary>One instruction.</summary>
internal readonly record struct Re2Instruction(
    Re2Op Op, int To = 0, int Else = 0, CodePointSet? Set = null, Re2Place Place = default);

/// <summary>An expression as a non-deterministic automaton, which <see cref="Re2Machine"/> runs.</summary>
/// <remarks>After R. Cox, Regular Expression Matching: the Virtual Machine Approach (2009), as in Go and RE2.</remarks>
internal sealed class Re2Program
{
    // The machine's work for each character is at most this.
    private const int MaxInstructions = 10_000;

    private readonly List<Re2Instruction> _code = [];

    private Re2Program(int slotCount) => SlotCount = slotCount;

    public ImmutableArray<Re2Instruction> Code { get; private set; }

    /// <summary>Start and end of each group, the whole match among them.</summary>
    public int SlotCount { get; }

    public static Re2Program Of(Re2Node expression, int groupCount)
    {
        var program = new Re2Program(2 * (groupCount + 1));
        program.Write(new Re2Node.Group(0, expression));
        _ = program.Add(new(Re2Op.Match));
        program.Code = [.. program._code];
        return program;
    }

    private void Write(Re2Node node)
    {
        switch (node)
        {
            case Re2Node.One one:
                _ = Add(new(Re2Op.Take, Set: one.Set));
                break;
            case Re2Node.At at:
                _ = Add(new(Re2Op.Check, Place: at.Place));
                break;
            case Re2Node.Group group:
                _ = Add(new(Re2Op.Save, 2 * group.Number));
                Write(group.Part);
                _ = Add(new(Re2Op.Save, (2 * group.Number) + 1));
                break;
            case Re2Node.Sequence sequence:
                foreach (var part in sequence.Parts)
                {
                    Write(part);
                }

                break;
            case Re2Node.Choice choice:
                Write(choice);
                break;
            case Re2Node.Loop loop:
                Write(loop);
                break;
        }
    }

    private void Write(Re2Node.Choice choice)
    {
        var ends = new List<int>();
        foreach (var part in choice.Parts[..^1])
        {
            var fork = Add(default);
            Write(part);
            ends.Add(Add(default));
            _code[fork] = new(Re2Op.Fork, fork + 1, _code.Count);
        }

        Write(choice.Parts[^1]);
        foreach (var end in ends)
        {
            _code[end] = new(Re2Op.Jump, _code.Count);
        }
    }

    // x{2,4} is xx(x(x)?)?, x{2,} is xx+ and x* is (x+)?, which keeps the order of preference right where x matches
    // nothing at all.
    private void Write(Re2Node.Loop loop)
    {
        var exits = new List<int>();
        for (var i = 0; i < (loop.Max ?? (loop.Min - 1)); i++)
        {
            if (i >= loop.Min)
            {
                exits.Add(Add(default));
            }

            Write(loop.Part);
        }

        if (loop.Max is null)
        {
            if (loop.Min is 0)
            {
                exits.Add(Add(default));
            }

            var start = _code.Count;
            Write(loop.Part);
            var again = Add(default);
            _code[again] = Fork(start, again + 1, loop.Lazy);
        }

        foreach (var exit in exits)
        {
            _code[exit] = Fork(exit + 1, _code.Count, loop.Lazy);
        }
    }

    private static Re2Instruction Fork(int more, int done, bool lazy) =>
        lazy ? new(Re2Op.Fork, done, more) : new(Re2Op.Fork, more, done);

    private int Add(Re2Instruction instruction)
    {
        if (_code.Count >= MaxInstructions)
        {
            throw new FormatException("The expression is too large: lower its repetition counts.");
        }

        _code.Add(instruction);
        return _code.Count - 1;
    }
}
