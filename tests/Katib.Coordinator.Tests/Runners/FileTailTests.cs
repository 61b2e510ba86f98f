using System.Text;
using Katib.Coordinator.Runners.Attempts;

namespace Katib.Coordinator.Tests.Runners;

public sealed class FileTailTests : IDisposable
{
    private readonly string _path = Path.GetTempFileName();

    public void Dispose() => File.Delete(_path);

    [Fact]
    public void A_partial_line_is_held_until_it_is_complete_or_last()
    {
        var tail = new FileTail(_path);

        File.AppendAllText(_path, "one\ntw");
        var first = Lines(tail.ReadNew());
        File.AppendAllText(_path, "o\nthr");
        var second = Lines(tail.ReadNew());
        File.AppendAllText(_path, "ee");

        Assert.Equal(["one"], first);
        Assert.Equal(["two"], second);
        Assert.Equal(["three"], Lines(tail.ReadToEnd()));
    }

    [Fact]
    public void A_carriage_return_ends_a_line_too()
    {
        File.WriteAllText(_path, "10%\r20%\rdone\r\nnext\n");

        Assert.Equal(["10%", "20%", "done", "next"], Lines(new FileTail(_path).ReadNew()));
    }

    [Fact]
    public void A_truncated_file_is_read_from_its_beginning()
    {
        var tail = new FileTail(_path);
        File.WriteAllText(_path, "a long first line\nhalf");
        _ = Lines(tail.ReadNew());

        File.WriteAllText(_path, "again\n");

        Assert.Equal(["again"], Lines(tail.ReadNew()));
    }

    [Fact]
    public void A_missing_file_has_no_lines()
    {
        File.Delete(_path);

        Assert.Empty(Lines(new FileTail(_path).ReadToEnd()));
    }

    [Fact]
    public void A_line_that_is_too_long_is_cut()
    {
        File.WriteAllText(_path, new string('x', 3 * LineSplitter.DefaultLimit) + "\nnext\n");

        var lines = Lines(new FileTail(_path).ReadNew());

        Assert.Equal([LineSplitter.DefaultLimit, 4], lines.Select(static line => line.Length));
    }

    [Fact]
    public void Bytes_that_are_no_text_do_no_harm()
    {
        File.WriteAllBytes(_path, [0xFF, 0x00, 0xC3, (byte)'\n', .. "loss=1\n"u8]);

        Assert.Equal("loss=1", Lines(new FileTail(_path).ReadNew())[^1]);
    }

    [Fact]
    public void A_character_across_two_reads_stays_whole()
    {
        var splitter = new LineSplitter(100);
        var lines = new List<string>();
        var bytes = Encoding.UTF8.GetBytes("ü\n");

        splitter.Split(bytes.AsSpan(0, 1), lines);
        splitter.Split(bytes.AsSpan(1), lines);

        Assert.Equal(["ü"], lines);
    }

    private static List<string> Lines(IEnumerable<List<string>> portions) =>
        [.. portions.SelectMany(static lines => lines)];
}
