/// What is wrong with a Redis URL; names the part, never the password.
public enum RedisURLError: Error, Equatable, CustomStringConvertible {
    /// None of the schemes that are known.
    case scheme
    /// No host name, or one that can't be.
    case host
    /// No number from 1 to 65535.
    case port(String)
    /// No number from 0 to 65535.
    case database(String)
    /// A broken percent escape in user or password.
    case escape
    /// No socket path.
    case path
    /// Sentinels without the name of the master.
    case masterName
    /// A Redis Cluster with a database.
    case clusterDatabase
    /// Something behind '?' that is not known.
    case option
    /// The same Redis twice in a list.
    case duplicate

    public var description: String {
        switch self {
        case .scheme: "must begin with redis://, rediss://, unix://, redis+sentinel:// or redis+cluster://"
        case .host: "has no valid host name"
        case .port(let text): "port '\(text)' is not a number from 1 to 65535"
        case .database(let text): "database '\(text)' is not a number from 0 to 65535"
        case .escape: "user or password has a broken percent escape"
        case .path: "has no socket path, as in unix:///run/redis.sock"
        case .masterName: "has no name of a master, as in redis+sentinel://host1,host2/mymaster"
        case .clusterDatabase: "has a database, and a Redis Cluster has none"
        case .option: "has an option that is not known; sentinels take sentinel-user and sentinel-password"
        case .duplicate: "names the same Redis twice"
        }
    }
}
