using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Katib.Coordinator.Runners.Kubernetes;

/// <summary>
/// A success or failure condition of a trial template: a GJSON path over the run object, which holds where it leads to an
/// object, or to an array whose first element is one.
/// </summary>
/// <remarks>
/// What conditions need of GJSON (github.com/tidwall/gjson, SYNTAX.md): keys, <c>\</c> before a character that is meant
/// literally, <c>#(key=="text")</c> for the first element that fits, with <c>#</c> behind it for all of them, <c>[@this]</c>
/// for an array of the object itself, and <c>|</c> in place of a dot to go on with all matches as one array. Anything else is
/// refused rather than misread.
/// </remarks>
internal sealed class ConditionPath
{
    private const int MaxLength = 1000;

    private readonly ImmutableArray<Step> _steps;

    private ConditionPath(ImmutableArray<Step> steps) => _steps = steps;

    /// <summary>Reads a path.</summary>
    /// <exception cref="FormatException">It is none, or needs more than is understood; the message ends with what is wrong.</exception>
    public static ConditionPath Parse(string text) =>
        text.Length > MaxLength
            ? throw new FormatException($"is longer than {MaxLength} characters")
            : new(new Reader(text).Read());

    /// <summary>The object that it leads to; null when the condition does not hold.</summary>
    public JsonObject? Match(JsonObject runObject) => Follow(runObject, 0) switch
    {
        JsonObject found => found,
        JsonArray { Count: > 0 } all when all[0] is JsonObject first => first,
        _ => null,
    };

    private JsonNode? Follow(JsonNode? node, int at)
    {
        for (; at < _steps.Length && node is not null; at++)
        {
            var step = _steps[at];
            switch (step)
            {
                case Step.Key(var name, _):
                    node = node switch
                    {
                        JsonObject map => map[name],
                        JsonArray list when int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var index) =>
                            index < list.Count ? list[index] : null,
                        _ => null,
                    };
                    break;
                case Step.Itself:
                    node = new JsonArray(node.DeepClone());
                    break;
                case Step.Query(_, _, false, _) query:
                    node = (node as JsonArray)?.FirstOrDefault(query.Fits);
                    break;
                case Step.Query query:
                    JsonNode?[] found = [.. (node as JsonArray)?.Where(query.Fits) ?? []];

                    // Behind a dot the path goes on in each of them, up to the next bar.
                    var bar = at + 1;
                    if (bar < _steps.Length && !_steps[bar].IsPiped)
                    {
                        while (bar < _steps.Length && !_steps[bar].IsPiped)
                        {
                            bar++;
                        }

                        var rest = new ConditionPath(_steps[(at + 1)..bar]);
                        found = [.. found.Select(f => rest.Follow(f, 0)).Where(static f => f is not null)];
                        at = bar - 1;
                    }

                    node = new JsonArray([.. found.Select(static f => f?.DeepClone())]);
                    break;
                default:
                    throw new InvalidOperationException($"There is no step {step}.");
            }
        }

        return node;
    }

    /// <param name="IsPiped">Whether a bar stands before it, and not a dot.</param>
    private abstract record Step(bool IsPiped)
    {
        /// <summary>The value of a key, or the element of that number.</summary>
        public sealed record Key(string Name, bool IsPiped) : Step(IsPiped);

        /// <summary>An array of what is there.</summary>
        public sealed record Itself(bool IsPiped) : Step(IsPiped);

        /// <summary>The first element, or all, whose key has a value.</summary>
        public sealed record Query(ImmutableArray<string> Keys, JsonElement Value, bool IsAll, bool IsPiped) : Step(IsPiped)
        {
            public bool Fits(JsonNode? element)
            {
                foreach (var key in Keys)
                {
                    element = (element as JsonObject)?[key];
                }

                return element is JsonValue value && value.GetValueKind() == Value.ValueKind && Value.ValueKind switch
                {
                    JsonValueKind.String => value.GetValue<string>() == Value.GetString(),
                    JsonValueKind.Number => NumberOf(value) == Value.GetDouble(),
                    _ => true,
                };
            }

            private static double NumberOf(JsonValue value) =>
                double.Parse(value.ToJsonString(), NumberStyles.Float, CultureInfo.InvariantCulture);
        }
    }

    private sealed class Reader(string text)
    {
        private int _at;

        public ImmutableArray<Step> Read()
        {
            var steps = ImmutableArray.CreateBuilder<Step>();
            var isPiped = false;
            while (true)
            {
                steps.Add(ReadStep(isPiped));
                if (_at == text.Length)
                {
                    return steps.ToImmutable();
                }

                isPiped = text[_at] is '|';
                if (text[_at++] is not ('.' or '|'))
                {
                    throw Wrong(_at - 1, "a dot or a bar is to stand here");
                }
            }
        }

        private Step ReadStep(bool isPiped)
        {
            const string itself = "[@this]";
            if (text.AsSpan(_at).StartsWith(itself, StringComparison.Ordinal))
            {
                _at += itself.Length;
                return new Step.Itself(isPiped);
            }

            if (text.AsSpan(_at).StartsWith("#(", StringComparison.Ordinal))
            {
                _at += 2;
                return ReadQuery(isPiped);
            }

            return new Step.Key(ReadKey(".|"), isPiped);
        }

        private Step.Query ReadQuery(bool isPiped)
        {
            var keys = ImmutableArray.CreateBuilder<string>();
            keys.Add(ReadKey(".=)").Trim());
            while (_at < text.Length && text[_at] is '.')
            {
                _at++;
                keys.Add(ReadKey(".=)").Trim());
            }

            if (!text.AsSpan(_at).StartsWith("==", StringComparison.Ordinal))
            {
                throw Wrong(_at, "only == is understood in a query");
            }

            _at += 2;
            var value = ReadValue();
            if (_at == text.Length || text[_at] is not ')')
            {
                throw Wrong(_at, "the query is not closed by ')'");
            }

            _at++;
            var isAll = _at < text.Length && text[_at] is '#';
            _at += isAll ? 1 : 0;
            return new(keys.ToImmutable(), value, isAll, isPiped);
        }

        private JsonElement ReadValue()
        {
            var begin = _at;
            var isText = false;
            for (; _at < text.Length && (isText || text[_at] is not ')'); _at++)
            {
                isText ^= text[_at] is '"';
                _at += isText && text[_at] is '\\' ? 1 : 0;
            }

            try
            {
                using var value = JsonDocument.Parse(text[begin..Math.Min(_at, text.Length)]);
                return value.RootElement.ValueKind is JsonValueKind.Object or JsonValueKind.Array
                    ? throw Wrong(begin, "a query compares with a text, a number, true, false or null")
                    : value.RootElement.Clone();
            }
            catch (JsonException)
            {
                throw Wrong(begin, "a text in double quotes, a number, true, false or null is to stand here");
            }
        }

        private string ReadKey(string ends)
        {
            const string special = "#@*?{}[]()!<>%\"";
            var begin = _at;
            var key = new StringBuilder();
            for (; _at < text.Length && !ends.Contains(text[_at], StringComparison.Ordinal); _at++)
            {
                if (text[_at] is '\\' && _at + 1 < text.Length)
                {
                    _at++;
                }
                else if (special.Contains(text[_at], StringComparison.Ordinal))
                {
                    throw Wrong(_at, $"'{text[_at]}' is not understood here; write '\\' before it where a key contains it");
                }

                _ = key.Append(text[_at]);
            }

            return key.Length > 0 ? key.ToString() : throw Wrong(begin, "a key is missing");
        }

        private static FormatException Wrong(int at, string what) =>
            new(string.Create(CultureInfo.InvariantCulture, $"is no condition: at character {at + 1} {what}"));
    }
}
