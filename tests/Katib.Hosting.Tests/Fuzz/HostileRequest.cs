using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Google.Protobuf;
using static Katib.Hosting.Tests.Requests;
using Wire = Api.V1.Beta1;

namespace Katib.Hosting.Tests.Fuzz;

/// <summary>A request as nobody should send it, made from a seed.</summary>
internal sealed record HostileRequest
{
    private const int PrefixLength = 5;

    private static readonly byte[] NoUtf8 = Encoding.ASCII.GetBytes(HostileValues.NoUtf8);

    public required string Method { get; init; }

    public required byte[] Body { get; init; }

    public string ContentType { get; init; } = "application/grpc";

    public IReadOnlyList<KeyValuePair<string, string>> Headers { get; init; } = [];

    public static HostileRequest From(string algorithm, ulong seed)
    {
        var dice = new Dice(seed);
        var isSuggestion = !dice.OneIn(5);
        IMessage message = isSuggestion
            ? Suggestions(algorithm, dice)
            : new Wire.ValidateAlgorithmSettingsRequest { Experiment = Experiment(algorithm, dice) };
        var kind = dice.Below(10);
        for (var changes = kind is 0 ? 0 : dice.OneOf(1, 1, 1, 2, 5); kind < 6 && changes > 0; changes--)
        {
            HostileMessages.ChangeOne(message, dice);
        }

        if (kind is 6)
        {
            HostileMessages.Fill(message, dice);
        }

        var bytes = message.ToByteArray();
        Surrogates(bytes);
        if (kind is 7 or 8)
        {
            bytes = Mutated(bytes, dice);
        }

        var request = new HostileRequest
        {
            Method = isSuggestion ? "GetSuggestions" : "ValidateAlgorithmSettings",
            Body = Framed(bytes),
        };
        return kind is 9 ? Misframed(request, dice) : request;
    }

    /// <summary>What is sane but for its size.</summary>
    public static HostileRequest Absurd(string algorithm, ulong seed)
    {
        var dice = new Dice(seed);
        var experiment = Experiment(algorithm, dice);
        var parameters = experiment.Spec.ParameterSpecs.Parameters;
        var request = Ask(experiment, 1);
        switch (dice.Below(6))
        {
            case 0:
                parameters.Clear();
                parameters.Add(Enumerable.Range(0, 10_000).Select(static i => Real(Name(i), "0", "1", "0.1")));
                request.CurrentRequestNumber = dice.OneOf(1, 10_000);
                break;
            case 1:
                parameters.Add(Categorical("long", [.. Enumerable.Range(0, 100_000).Select(Name)]));
                break;
            case 2:
                parameters.Add(Discrete("long", [.. Enumerable.Range(0, 100_000).Select(
                    static i => i.ToString(CultureInfo.InvariantCulture))]));
                break;
            case 3:
                request.CurrentRequestNumber = 10_000;
                request.TotalRequestNumber = dice.OneOf(10_000, 1_010_000, int.MinValue);
                break;
            case 4:
                request = Large(algorithm, trials: 5_000, parameters: 10);
                break;
            default:
                for (var i = 0; i < 10_000; i++)
                {
                    _ = experiment.With(Name(i), HostileValues.Number(dice));
                    parameters.Add(Real(HostileValues.NoUtf8, HostileValues.Number(dice), HostileValues.Number(dice)));
                }

                break;
        }

        return new() { Method = "GetSuggestions", Body = Framed(request.ToByteArray()) };
    }

    private static string Name(int i) => string.Create(CultureInfo.InvariantCulture, $"name-{i}");

    private static Wire.GetSuggestionsRequest Suggestions(string algorithm, Dice dice)
    {
        var experiment = Experiment(algorithm, dice);
        var trials = Enumerable.Range(0, dice.OneOf(0, 0, 3, 12)).Select(_ =>
        {
            var trial = Trial(experiment.Spec.ParameterSpecs.Parameters.Select(p => (p.Name, ValueIn(p, dice))));
            trial.Name = $"study-{dice.Below(1000)}";
            trial.Status = Succeeded(dice.Below(1000) / 1000.0);
            return trial;
        });
        return Ask(experiment, dice.OneOf(0, 1, 3), trials);
    }

    private static Wire.Experiment Experiment(string algorithm, Dice dice)
    {
        var parameters = Enumerable.Range(0, 1 + dice.Below(4)).Select(i => dice.Below(5) switch
        {
            0 => Whole(Name(i), "1", "5"),
            1 => Discrete(Name(i), "0.5", "1", "2"),
            2 => Categorical(Name(i), "a", "b", "c"),
            3 => Real(Name(i), "0.001", "1", "0.001", Wire.Distribution.LogUniform),
            _ => Real(Name(i), "0", "1", algorithm is "grid" ? "0.1" : ""),
        });
        var experiment = Requests.Experiment(algorithm, [.. parameters]);
        return algorithm is "bayesianoptimization" ? experiment.With("n_initial_points", "4") : experiment;
    }

    private static string ValueIn(Wire.ParameterSpec parameter, Dice dice) =>
        parameter.FeasibleSpace.List is { Count: > 0 } list
            ? list[dice.Below(list.Count)]
            : parameter.ParameterType is Wire.ParameterType.Int
                ? (1 + dice.Below(5)).ToString(CultureInfo.InvariantCulture)
                : FormattableString.Invariant($"0.{1 + dice.Below(9)}");

    /// <summary>Overwrites the mark by three lone surrogates, so that all lengths stay right.</summary>
    private static void Surrogates(Span<byte> bytes)
    {
        while (bytes.IndexOf(NoUtf8) is >= 0 and var at)
        {
            for (var i = at; i < at + NoUtf8.Length; i += 3)
            {
                ReadOnlySpan<byte> surrogate = [0xed, 0xa0, 0x80];
                surrogate.CopyTo(bytes[i..]);
            }
        }
    }

    private static byte[] Mutated(byte[] bytes, Dice dice)
    {
        var mutated = bytes.ToList();
        for (var changes = dice.OneOf(1, 1, 3, 20); changes > 0 && mutated.Count > 0; changes--)
        {
            var at = dice.Below(mutated.Count);
            switch (dice.Below(6))
            {
                case 0:
                    mutated[at] ^= (byte)(1 << dice.Below(8));
                    break;
                case 1:
                    mutated[at] = dice.OneOf<byte>(0, 0x7f, 0x80, 0xff, (byte)dice.Bits);
                    break;
                case 2:
                    mutated.RemoveRange(at, Math.Min(mutated.Count - at, 1 + dice.Below(8)));
                    break;
                case 3:
                    mutated.InsertRange(at, dice.Bytes(1 + dice.Below(8)));
                    break;
                case 4:
                    mutated.RemoveRange(at, mutated.Count - at);
                    break;
                default:
                    mutated.InsertRange(at, mutated[dice.Below(mutated.Count)..]);
                    break;
            }
        }

        return dice.OneIn(20) ? dice.Bytes(dice.Below(300)) : [.. mutated];
    }

    private static byte[] Framed(byte[] message)
    {
        var framed = new byte[PrefixLength + message.Length];
        BinaryPrimitives.WriteInt32BigEndian(framed.AsSpan(1), message.Length);
        message.CopyTo(framed, PrefixLength);
        return framed;
    }

    private static HostileRequest Misframed(HostileRequest request, Dice dice)
    {
        var body = request.Body;
        switch (dice.Below(9))
        {
            case 0:
                BinaryPrimitives.WriteInt32BigEndian(body.AsSpan(1), HostileValues.Whole(dice));
                return request;
            case 1:
                return request with { Body = body[..dice.Below(body.Length)] };
            case 2:
                return request with { Body = [.. body, .. dice.Bytes(1 + dice.Below(20))] };
            case 3:
                return request with { Body = [.. body, .. body] };
            case 4:
                body[0] = dice.OneOf<byte>(1, 2, 0xff);
                return request with { Headers = [new("grpc-encoding", dice.OneOf("gzip", "identity", "zstd", "%"))] };
            case 5:
                return request with
                {
                    ContentType = dice.OneOf("text/plain", "application/json", "application/grpc-web", "application/grpc+proto"),
                };
            case 6:
                return request with { Headers = [new("grpc-timeout", dice.OneOf("0n", "1u", "1m", "x", "99999999H", "-1S"))] };
            case 7:
                return request with { Method = dice.OneOf("", "Nothing", "GetSuggestions/", "%2e%2e") };
            default:
                return request with { Headers = [new("grpc-encoding", dice.OneOf("gzip", "identity", "zstd", "%"))] };
        }
    }
}
