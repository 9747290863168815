//! Pure: the DNS name of a pod, as Kubernetes writes it into the pod's `/etc/hosts`.

use std::net::IpAddr;

/// The DNS name of the pod with this host name; nothing if it has none. Only a pod of a headless
/// service has one, such as `shop-0.shop-headless.default.svc.cluster.local`.
pub(crate) fn pod_name(hosts: &str, hostname: &str) -> Option<String> {
    hosts.lines().find_map(|line| {
        let entry = line.split('#').next()?;
        let mut words = entry.split_whitespace();
        let address: IpAddr = words.next()?.parse().ok()?;
        let name = words.find(|name| is_below(name, hostname))?;
        // What others resolve is not what stands for this machine alone.
        (!address.is_loopback()).then(|| name.to_ascii_lowercase())
    })
}

/// Whether the name is the host's with a domain behind it.
fn is_below(name: &str, hostname: &str) -> bool {
    name.strip_prefix(hostname)
        .and_then(|rest| rest.strip_prefix('.'))
        .is_some_and(|domain| !domain.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FULL: &str = "shop-0.shop-headless.default.svc.cluster.local";

    #[test]
    fn a_pod_of_a_headless_service_has_a_name() {
        let hosts = format!(
            "# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n::1 localhost ip6-localhost\n\
             fe00::0\tip6-localnet\n10.244.1.7\t{FULL}\tshop-0\n"
        );
        assert_eq!(pod_name(&hosts, "shop-0").as_deref(), Some(FULL));
    }

    #[test]
    fn other_hosts_have_none() {
        for hosts in [
            "",
            "10.244.1.7\tshop-0",
            "127.0.1.1 shop-0.lan shop-0",
            "10.244.1.7 shop-01.svc shop-01",
            "10.244.1.7 shop-0.",
            "# 10.244.1.7 shop-0.svc",
            "shop-0.svc shop-0",
        ] {
            assert_eq!(pod_name(hosts, "shop-0"), None, "{hosts}");
        }
    }
}
