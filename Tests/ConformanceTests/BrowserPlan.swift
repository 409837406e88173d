import FanfareTestKit
import Foundation

/// What `stage.py` is told of a cluster, as JSON.
///
/// - Parameters:
///   - nginx: the address in front of the nodes.
///   - secret: with which the check signs its tokens; `nil`: it has none.
func browserPlan(nginx: String, channel: String, nodes: [Node], secret: String? = nil) throws -> String {
    let nodes = nodes.map { node in
        [
            "name": node.name, "admin": "http://127.0.0.1:\(node.adminPort)", "pid": Int(node.pid),
            "command": node.command,
        ] as [String: Any]
    }
    var plan: [String: Any] = ["nginx": nginx, "channel": channel, "nodes": nodes]
    plan["secret"] = secret
    return String(decoding: try JSONSerialization.data(withJSONObject: plan), as: UTF8.self)
}
