using System.Text;

namespace Katib.Coordinator.Metrics;

/// <summary>Runs a program over a text, all of its threads in step: no position of the text is visited twice.</summary>
/// <remarks>
/// Threads stand in order of preference. Of two that reach the same instruction at the same position the preferred one
/// goes on alone, which bounds their number by the program's length.
/// </remarks>
internal sealed class Re2Machine(Re2Program program, string text)
{
    private readonly int[] _slots = new int[program.SlotCount];
    private readonly Stack<(int Pc, int Slot, int Old)> _pending = [];
    private Threads _now = new(program);
    private Threads _next = new(program);

    /// <summary>The leftmost match that starts at or after a position, the preferred one of those; null for none.</summary>
    public Re2Match? Find(int from)
    {
        _now.Clear();
        int[]? found = null;
        for (var at = from; ; at += WidthAt(text, at))
        {
            if (found is null)
            {
                Array.Fill(_slots, -1);
                Follow(_now, 0, at);
            }
            else if (_now.Count is 0)
            {
                break;
            }

            _next.Clear();
            found = Step(at) ?? found;
            (_now, _next) = (_next, _now);
            if (at >= text.Length)
            {
                break;
            }
        }

        return found is null ? null : new(text, found);
    }

    /// <summary>How many UTF-16 units the character at a position has.</summary>
    public static int WidthAt(string text, int at) =>
        at + 1 < text.Length && char.IsSurrogatePair(text[at], text[at + 1]) ? 2 : 1;

    // Moves every thread over the character at a position; the slots of the match, if one of them has come to its end.
    private int[]? Step(int at)
    {
        var point = PointAt(at);
        for (var i = 0; i < _now.Count; i++)
        {
            var instruction = program.Code[_now.At(i)];
            if (instruction.Op is Re2Op.Match)
            {
                // What follows in the list is less preferred.
                return _now.SlotsOf(i).ToArray();
            }

            if (point >= 0 && instruction.Set!.Contains(point))
            {
                _now.SlotsOf(i).CopyTo(_slots);
                Follow(_next, _now.At(i) + 1, at + WidthAt(text, at));
            }
        }

        return null;
    }

    // Adds the instruction and all that is reached from it without taking a character. A stack of our own, since a
    // program may branch deeper than the thread's; it also brings slots back that a preferred branch has overwritten.
    private void Follow(Threads threads, int start, int at)
    {
        _pending.Push((start, -1, 0));
        while (_pending.TryPop(out var pending))
        {
            if (pending.Slot >= 0)
            {
                _slots[pending.Slot] = pending.Old;
                continue;
            }

            for (var pc = pending.Pc; pc >= 0 && threads.Visit(pc);)
            {
                var instruction = program.Code[pc];
                switch (instruction.Op)
                {
                    case Re2Op.Jump:
                        pc = instruction.To;
                        break;
                    case Re2Op.Fork:
                        _pending.Push((instruction.Else, -1, 0));
                        pc = instruction.To;
                        break;
                    case Re2Op.Save:
                        _pending.Push((-1, instruction.To, _slots[instruction.To]));
                        _slots[instruction.To] = at;
                        pc++;
                        break;
                    case Re2Op.Check:
                        pc = IsAt(instruction.Place, at) ? pc + 1 : -1;
                        break;
                    default:
                        threads.Add(pc, _slots);
                        pc = -1;
                        break;
                }
            }
        }
    }

    private bool IsAt(Re2Place place, int at) => place switch
    {
        Re2Place.TextStart => at is 0,
        Re2Place.TextEnd => at == text.Length,
        Re2Place.LineStart => at is 0 || text[at - 1] is '\n',
        Re2Place.LineEnd => at == text.Length || text[at] is '\n',
        _ => (IsWord(at - 1) != IsWord(at)) == place is Re2Place.WordBoundary,
    };

    private bool IsWord(int at) =>
        at >= 0 && at < text.Length && (char.IsAsciiLetterOrDigit(text[at]) || text[at] is '_');

    // Half a surrogate pair is read as Go reads bytes that are no UTF-8.
    private int PointAt(int at) =>
        at >= text.Length ? -1 : Rune.TryGetRuneAt(text, at, out var rune) ? rune.Value : Rune.ReplacementChar.Value;

    /// <summary>Threads in order of preference, each with slots of its own.</summary>
    private sealed class Threads(Re2Program program)
    {
        private readonly int[] _pcs = new int[program.Code.Length];
        private readonly int[] _visited = new int[program.Code.Length];
        private readonly int[] _slots = new int[program.Code.Length * program.SlotCount];
        private int _round = 1;

        public int Count { get; private set; }

        public int At(int thread) => _pcs[thread];

        public Span<int> SlotsOf(int thread) => _slots.AsSpan(thread * program.SlotCount, program.SlotCount);

        /// <summary>Whether the instruction has not been reached in this round.</summary>
        public bool Visit(int pc)
        {
            var first = _visited[pc] != _round;
            _visited[pc] = _round;
            return first;
        }

        public void Add(int pc, ReadOnlySpan<int> slots)
        {
            slots.CopyTo(SlotsOf(Count));
            _pcs[Count++] = pc;
        }

        public void Clear() => (Count, _round) = (0, _round + 1);
    }
}
