using Google.Protobuf;
using Grpc.Core;
using Katib.Proto;
using static Katib.Hosting.Tests.Requests;
using Wire = Api.V1.Beta1;

namespace Katib.Hosting.Tests;

/// <summary>Requests that are small on the wire and large in memory.</summary>
public sealed class RequestReaderTests
{
    /// <summary>Parts of 1,000 bytes and 166 trials.</summary>
    private readonly RequestReader _reader = new(new() { MessageBytes = 16_000 });

    [Fact]
    public void A_request_is_read_as_it_was_written()
    {
        var request = Ask(Experiment("random", Real("a", "0", "1")), 2, Trial(("a", "0.5")));

        var read = _reader.Read(Wire.GetSuggestionsRequest.Parser, new(request.ToByteArray())).Message;

        Assert.Equal(request, read);
    }

    [Fact]
    public void An_experiment_of_countless_empty_parameters_is_refused_before_it_is_made()
    {
        var request = Ask(Experiment("random", Enumerable.Range(0, 500).Select(static _ => new Wire.ParameterSpec())), 1);

        Assert.Matches(
            "^The request has [0-9]+ bytes of an experiment; this instance has the memory for 1000.$", Refused(request));
    }

    [Fact]
    public void An_experiment_in_many_parts_is_as_large_as_their_sum()
    {
        var part = Ask(Experiment("random", Real(new('a', 400), "0", "1")), 1).ToByteArray();

        var refused = Assert.Throws<RpcException>(() =>
            _reader.Read(UnreadSuggestionsRequest.Parser, new([.. part, .. part, .. part])).Message);

        Assert.Equal(StatusCode.ResourceExhausted, refused.StatusCode);
    }

    [Fact]
    public void Countless_empty_trials_are_refused_before_they_are_made()
    {
        var request = Ask(
            Experiment("random", Real("a", "0", "1")), 1, Enumerable.Range(0, 167).Select(static _ => new Wire.Trial()));

        Assert.Equal("The request has 167 trials; this instance has the memory for 166.", Refused(request));
    }

    [Fact]
    public void A_huge_trial_is_refused_before_it_is_made()
    {
        var request = Ask(Experiment("random", Real("a", "0", "1")), 1, new Wire.Trial { Name = new('a', 1000) });

        Assert.Matches("^The request has [0-9]+ bytes of a trial; this instance has the memory for 1000.$", Refused(request));
    }

    [Fact]
    public void A_request_is_taken_once()
    {
        var received = _reader.Read(
            UnreadSuggestionsRequest.Parser, new(Ask(Experiment("random", Real("a", "0", "1")), 1).ToByteArray()));

        var taken = received.Take();

        Assert.Equal("study", taken.Experiment.Name);
        _ = Assert.Throws<InvalidOperationException>(() => received.Message);
    }

    /// <summary>A group, and an empty trial whose length has more bits than the parser takes.</summary>
    [Theory]
    [InlineData(new byte[] { 0x0b, 0x0c }, StatusCode.InvalidArgument)]
    [InlineData(new byte[] { 0x12, 0x80, 0x80, 0x80, 0x80, 0x10 }, StatusCode.ResourceExhausted)]
    public void Countless_trials_hide_behind_nothing(byte[] before, StatusCode expected)
    {
        var request = Ask(
            Experiment("random", Real("a", "0", "1")), 1, Enumerable.Range(0, 167).Select(static _ => new Wire.Trial()));

        var refused = Assert.Throws<RpcException>(() => _reader.Read(
            UnreadSuggestionsRequest.Parser, new([.. before, .. request.ToByteArray()])).Message);

        Assert.Equal(expected, refused.StatusCode);
    }

    [Theory]
    [InlineData(new byte[] { 0x0a, 0x7f })]
    [InlineData(new byte[] { 0xff })]
    [InlineData(new byte[] { 0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f })]
    [InlineData(new byte[] { 0x0b, 0x0b, 0x0b })]
    [InlineData(new byte[] { 0x0a, 0x05, 0x0a, 0x03, 0xed, 0xa0, 0x80 })]
    public void What_is_no_message_is_the_callers_mistake(byte[] bytes)
    {
        var refused = Assert.Throws<RpcException>(() => _reader.Read(UnreadSuggestionsRequest.Parser, new(bytes)).Message);

        Assert.Equal(StatusCode.InvalidArgument, refused.StatusCode);
        Assert.StartsWith("The request is malformed: ", refused.Status.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a", 6_000, 6_000)]
    [InlineData("a", 100_000, 6 * 1024)]
    [InlineData("%", 100_000, 2 * 1024)]
    [InlineData("\U0001F4A5", 10_000, 1024)]
    public void A_detail_is_cut_where_a_header_ends(string text, int times, int characters)
    {
        var refusal = ErrorInterceptor.Refusal(StatusCode.InvalidArgument, string.Concat(Enumerable.Repeat(text, times)));

        var told = refusal.Status.Detail.Split(" ... (")[0];
        Assert.Equal(characters, told.Length);
        Assert.Equal(
            characters < times * text.Length,
            refusal.Status.Detail.EndsWith(" more characters)", StringComparison.Ordinal));
    }

    private string Refused(Wire.GetSuggestionsRequest request)
    {
        var refused = Assert.Throws<RpcException>(() =>
            _reader.Read(UnreadSuggestionsRequest.Parser, new(request.ToByteArray())).Message);
        Assert.Equal(StatusCode.ResourceExhausted, refused.StatusCode);
        return refused.Status.Detail;
    }
}
