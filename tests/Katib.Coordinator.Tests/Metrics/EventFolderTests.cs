using System.Buffers.Binary;
using System.Collections.Immutable;
using Google.Protobuf;
using Katib.Coordinator.Metrics;
using Katib.Coordinator.Metrics.Events;
using Katib.Proto.TensorFlow;

namespace Katib.Coordinator.Tests.Metrics;

/// <summary>Metrics in event files of TensorFlow and PyTorch.</summary>
public sealed class EventFolderTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("katib-events-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_record_is_the_bytes_that_TensorFlow_writes()
    {
        // The beginning of a file of TensorFlow 2.7: a length of 24 bytes and its checksum.
        Assert.Equal("1800000000000000A37F4B22", Convert.ToHexString(EventFiles.Head.AsSpan(0, 12)));
    }

    [Fact]
    public void Katibs_case_TF1()
    {
        foreach (var place in (string[])["train", "test"])
        {
            Write($"{place}/events.out.tfevents.1637681485.host.19.0.v2", [
                EventFiles.Head,
                .. Enumerable.Range(0, 5).SelectMany(step => (byte[][])
                    [EventFiles.Tensor("loss", 1f / (step + 1), step), EventFiles.Tensor("accuracy", 0.9f, step)]),
            ]);
        }

        string[] all = ["train/accuracy", "train/loss", "test/accuracy", "test/loss"];
        var below = Read("/katib/logs", [.. all]);
        var inside = Read(Path.Combine(_folder, "train"), "/katib/logs/train", ["accuracy", "loss"]);

        Assert.Equal(20, below.Count);
        Assert.All(all, name => Assert.Equal(5, below.Count(p => p.Metric == name)));
        Assert.Equal(10, inside.Count);
        Assert.Equal(["1", "0.5", "0.33333334", "0.25", "0.2"], inside.Where(static p => p.Metric is "loss").Select(static p => p.Value));
        Assert.Equal([0, 1, 2, 3, 4], inside.Where(static p => p.Metric is "loss").Select(static p => p.Step!.Value));
        Assert.Equal(5, Read(Path.Combine(_folder, "train"), "/katib/logs/train", ["train/loss"]).Count);
    }

    [Fact]
    public void Katibs_case_TF2()
    {
        foreach (var place in (string[])["train", "test"])
        {
            Write($"{place}/events.out.tfevents.1.host", [
                .. from metric in (string[])["accuracy", "loss"]
                   from step in Enumerable.Range(0, 3)
                   select EventFiles.Simple(metric, 0.1f, step),
            ]);
        }

        Assert.Equal(12, Read("/logs", ["train/accuracy", "train/loss", "test/accuracy", "test/loss"]).Count);
        Assert.Equal(6, Read(Path.Combine(_folder, "train"), "/logs/train/", ["accuracy", "loss"]).Count);
    }

    [Fact]
    public void A_value_has_its_time_and_step()
    {
        Write("tfevents", [EventFiles.Simple("loss", 0.5f, step: 7)]);

        Assert.Equal(
            new MetricPoint("loss", "0.5", new DateTimeOffset(2021, 11, 23, 15, 31, 25, 250, TimeSpan.Zero)) { Step = 7 },
            Assert.Single(Read("/logs", ["loss"])));
    }

    [Fact]
    public void A_tag_is_the_whole_name()
    {
        Write("tfevents", [
            EventFiles.Simple("loss_total", 9), EventFiles.Simple("Loss/train", 1), EventFiles.Simple("train/Loss", 2),
        ]);

        Assert.Empty(Read("/logs", ["loss", "Loss", "oss_total"]));
        Assert.Equal(["1"], Read("/logs", ["Loss/train"]).Select(static p => p.Value));
        Assert.Equal(["2"], Read("/logs", ["train/Loss"]).Select(static p => p.Value));
    }

    [Fact]
    public void A_folder_counts_by_whole_names()
    {
        Write("pretrain/tfevents", [EventFiles.Simple("loss", 1)]);
        Write("a/train/tfevents", [EventFiles.Simple("loss", 2)]);

        Assert.Equal(["2"], Read("/logs", ["train/loss"]).Select(static p => p.Value));
        Assert.Equal(["2"], Read("/logs", ["a/train/loss"]).Select(static p => p.Value));
        Assert.Equal(["2"], Read("/logs", ["logs/a/train/loss"]).Select(static p => p.Value));
        Assert.Equal(["2", "1"], Read("/logs", ["loss"]).Select(static p => p.Value));
    }

    public static TheoryData<string, TensorProto> Numbers => new()
    {
        { "0.25", new() { Dtype = DataType.DtFloat, FloatVal = { 0.25f } } },
        { "0.1", new() { Dtype = DataType.DtDouble, DoubleVal = { 0.1 } } },
        { "-7", new() { Dtype = DataType.DtInt32, IntVal = { -7 } } },
        { "9007199254740993", new() { Dtype = DataType.DtInt64, Int64Val = { 9007199254740993 } } },
        { "1.5", new() { Dtype = DataType.DtHalf, HalfVal = { 0x3e00 } } },
        { "1.5", new() { Dtype = DataType.DtBfloat16, HalfVal = { 0x3fc0 } } },
        { "NaN", new() { Dtype = DataType.DtFloat, FloatVal = { float.NaN } } },
        { "-Infinity", new() { Dtype = DataType.DtDouble, DoubleVal = { double.NegativeInfinity } } },
        { "1E+300", new() { Dtype = DataType.DtDouble, TensorContent = ByteString.CopyFrom(BitConverter.GetBytes(1e300)) } },
        { "5", new() { Dtype = DataType.DtInt64, TensorContent = ByteString.CopyFrom(BitConverter.GetBytes(5L)) } },
        { "5", new() { Dtype = DataType.DtInt32, TensorContent = ByteString.CopyFrom(BitConverter.GetBytes(5)) } },
        { "1.5", new() { Dtype = DataType.DtHalf, TensorContent = ByteString.CopyFrom(0x00, 0x3e) } },
        { "1.5", new() { Dtype = DataType.DtBfloat16, TensorContent = ByteString.CopyFrom(0xc0, 0x3f) } },
        { "3", new() { Dtype = DataType.DtFloat, FloatVal = { 3 }, TensorShape = new() { Dim = { new TensorShapeProto.Types.Dim { Size = 1 } } } } },
    };

    [Theory]
    [MemberData(nameof(Numbers))]
    public void Every_type_of_number_is_read(string text, TensorProto tensor)
    {
        Write("tfevents", [EventFiles.Tensor("loss", tensor)]);

        Assert.Equal([text], Read("/logs", ["loss"]).Select(static p => p.Value));
    }

    [Fact]
    public void What_is_no_single_number_is_passed_over()
    {
        var shape = new TensorShapeProto { Dim = { new TensorShapeProto.Types.Dim { Size = 2 } } };
        Write("tfevents", [
            EventFiles.Tensor("loss", new TensorProto { Dtype = DataType.DtFloat, FloatVal = { 1, 2 }, TensorShape = shape }),
            EventFiles.Tensor("loss", new TensorProto { Dtype = (DataType)7 }),
            EventFiles.Tensor("loss", new TensorProto { Dtype = DataType.DtDouble, TensorContent = ByteString.CopyFrom(1, 2, 3) }),
            EventFiles.Record("no event"u8.ToArray()),
            EventFiles.Simple("loss", 4, time: double.NaN),
        ]);

        Assert.Equal([new MetricPoint("loss", "4", Time: null) { Step = 0 }], Read("/logs", ["loss"]));
    }

    [Fact]
    public void A_record_that_is_not_whole_yet_is_waited_for()
    {
        var file = Path.Combine(_folder, "tfevents");
        var folder = new EventFolder(_folder, "/logs", ["loss"]);
        byte[] all = [.. EventFiles.Head, .. EventFiles.Simple("loss", 1), .. EventFiles.Simple("loss", 2)];
        var seen = new List<string>();

        for (var size = 0; size <= all.Length; size++)
        {
            File.WriteAllBytes(file, all[..size]);
            seen.AddRange(folder.ReadNew().SelectMany(static read => read.Points).Select(static p => $"{p.Value}"));
            Assert.Equal(size == all.Length ? 2 : size >= EventFiles.Head.Length + EventFiles.Simple("loss", 1).Length ? 1 : 0, seen.Count);
        }

        Assert.Equal(["1", "2"], seen);
    }

    [Fact]
    public void Damage_costs_the_record_that_has_it()
    {
        var damaged = EventFiles.Simple("loss", 2);
        damaged[20] ^= 1;
        Write("tfevents", [EventFiles.Simple("loss", 1), damaged, EventFiles.Simple("loss", 3)]);
        var folder = new EventFolder(_folder, "/logs", ["loss", "other"]);

        Assert.Equal(["1", "3"], folder.ReadNew().SelectMany(static read => read.Points).Select(static p => p.Value));
        Assert.Matches("^The event file tfevents has a damaged record at byte [0-9]+: ", folder.WhyMissing("other"));
    }

    [Fact]
    public void Without_a_length_nothing_more_is_read()
    {
        Write("tfevents", [EventFiles.Simple("loss", 1), [.. Enumerable.Repeat((byte)255, 100)], EventFiles.Simple("loss", 3)]);
        var folder = new EventFolder(_folder, "/logs", ["loss"]);

        Assert.Equal(["1"], folder.ReadNew().SelectMany(static read => read.Points).Select(static p => p.Value));
        Assert.Empty(folder.ReadNew());
        Assert.Contains("tfevents holds no record at byte", folder.WhyMissing("loss"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(long.MaxValue)]
    [InlineData(-1)]
    [InlineData(1L << 40)]
    public void A_length_beyond_the_files_end_costs_no_memory(long length)
    {
        var head = EventFiles.Record(new byte[8])[..8];
        BinaryPrimitives.WriteInt64LittleEndian(head, length);

        // The length's checksum is right: that of the same 8 bytes as data.
        Write("tfevents", [[.. head, .. EventFiles.Record(head)[^4..], .. new byte[50]]]);

        Assert.Empty(Read("/logs", ["loss"]));
    }

    [Fact]
    public void A_long_record_is_passed_over()
    {
        Write("tfevents", [EventFiles.Record(new byte[17 * 1024 * 1024]), EventFiles.Simple("loss", 1)]);

        Assert.Equal(["1"], Read("/logs", ["loss"]).Select(static p => p.Value));
    }

    [Fact]
    public void No_wrong_bit_goes_unseen()
    {
        byte[] good = [.. EventFiles.Head, .. EventFiles.Simple("loss", 1), .. EventFiles.Tensor("loss", 2)];
        for (var bit = 8 * EventFiles.Head.Length; bit < 8 * good.Length; bit++)
        {
            var bytes = good.ToArray();
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
            Write("tfevents", [bytes]);

            Assert.InRange(Read("/logs", ["loss"]).Count, 0, 1);
        }
    }

    [Fact]
    public void Links_are_not_followed()
    {
        var outside = Directory.CreateTempSubdirectory("katib-outside-").FullName;
        try
        {
            File.WriteAllBytes(Path.Combine(outside, "tfevents"), EventFiles.Simple("loss", 1));
            _ = Directory.CreateSymbolicLink(Path.Combine(_folder, "round"), _folder);
            _ = Directory.CreateSymbolicLink(Path.Combine(_folder, "away"), outside);
            _ = File.CreateSymbolicLink(Path.Combine(_folder, "tfevents"), Path.Combine(outside, "tfevents"));

            Assert.Empty(Read("/logs", ["loss"]));
        }
        finally
        {
            Directory.Delete(outside, recursive: true);
        }
    }

    [Fact]
    public void A_pipe_is_not_waited_for()
    {
        using var made = System.Diagnostics.Process.Start("mkfifo", [Path.Combine(_folder, "tfevents")]);
        made.WaitForExit();

        Assert.Empty(Read("/logs", ["loss"]));
    }

    [Fact]
    public void Why_a_metric_is_missing_is_said()
    {
        var folder = new EventFolder(_folder, "/logs", ["test/loss"]);
        Assert.Equal("There is no event file in /logs.", Why());

        Write("train/tfevents", [EventFiles.Head]);
        Assert.Equal("The event files in /logs have no number.", Why());

        Write("train/tfevents.1", [EventFiles.Simple("loss", 1), EventFiles.Simple("lr", 1)]);
        Assert.Equal("Found 'train/loss', 'train/lr', expected 'test/loss'.", Why());

        string Why()
        {
            Assert.Empty(folder.ReadNew());
            return folder.WhyMissing("test/loss");
        }
    }

    private void Write(string name, byte[][] records)
    {
        var path = Path.Combine(_folder, name);
        _ = Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, [.. records.SelectMany(static r => r)]);
    }

    private List<MetricPoint> Read(string collectorPath, ImmutableArray<string> metrics) => Read(_folder, collectorPath, metrics);

    private static List<MetricPoint> Read(string folder, string collectorPath, ImmutableArray<string> metrics) =>
        [.. new EventFolder(folder, collectorPath, metrics).ReadNew().SelectMany(static read => read.Points)];
}
