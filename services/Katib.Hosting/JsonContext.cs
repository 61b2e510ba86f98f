using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace Katib.Hosting;

/// <summary>JSON without runtime reflection, which a native binary cannot promise.</summary>
[JsonSerializable(typeof(JsonObject))]
internal sealed partial class JsonContext : JsonSerializerContext;
