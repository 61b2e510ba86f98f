using System.Globalization;
using System.Text.Json.Nodes;

namespace Katib.Coordinator.Clusters;

/// <summary>What all objects of a cluster have.</summary>
internal static class ClusterObjects
{
    /// <summary>The object's name.</summary>
    public static string Name(this JsonObject subject) => (string?)subject["metadata"]?["name"] ?? "";

    /// <summary>What tells it from others of the same name, before and after it.</summary>
    public static string Uid(this JsonObject subject) => (string?)subject["metadata"]?["uid"] ?? "";

    /// <summary>A label's value; null when it does not have the label.</summary>
    public static string? Label(this JsonObject subject, string key) => (string?)subject["metadata"]?["labels"]?[key];

    /// <summary>Whether it is about to be deleted.</summary>
    public static bool IsGoing(this JsonObject subject) => subject["metadata"]?["deletionTimestamp"] is not null;

    /// <summary>A time of it; null when it has none.</summary>
    public static DateTimeOffset? TimeAt(this JsonNode? node, string key) =>
        DateTimeOffset.TryParse((string?)node?[key], CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time : null;

    /// <summary>The entry of a list that has this value under a key; null when there is none.</summary>
    public static JsonObject? With(this JsonNode? list, string key, string value) =>
        (list as JsonArray)?.OfType<JsonObject>().FirstOrDefault(entry => (string?)entry[key] == value);
}
