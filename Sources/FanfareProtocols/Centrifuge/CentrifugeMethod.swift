/// What a command asks for (`client.proto`: the fields of Command and Reply). The raw value is its name in JSON.
public enum CentrifugeMethod: String, Sendable, CaseIterable {
    case connect
    case subscribe
    case unsubscribe
    case publish
    case presence
    case presenceStats = "presence_stats"
    case history
    case ping
    case send
    case rpc
    case refresh
    case subRefresh = "sub_refresh"
}
