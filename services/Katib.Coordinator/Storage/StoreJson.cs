using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Katib.Coordinator.Experiments;
using Katib.Coordinator.Metrics;

namespace Katib.Coordinator.Storage;

/// <summary>The JSON columns of the store.</summary>
[JsonSerializable(typeof(ImmutableArray<Assignment>))]
[JsonSerializable(typeof(ImmutableArray<Condition>))]
[JsonSerializable(typeof(ImmutableArray<MetricSummary>))]
[JsonSerializable(typeof(ImmutableArray<FailedAttempt>))]
[JsonSerializable(typeof(ImmutableArray<KeyValuePair<string, string>>))]
[JsonSourceGenerationOptions(UseStringEnumConverter = true)]
internal sealed partial class StoreJson : JsonSerializerContext;
