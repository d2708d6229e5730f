/**
 * Generic code in several languages, written for Argot: what a model should still know after it has learnt one developer's
 * habits. The gate measures forgetting on it, so it holds nobody's style but the languages' own.
 */
export const probeTexts: readonly string[] = [
  `import json
from collections import defaultdict
from dataclasses import dataclass, field


@dataclass
class Order:
    number: int
    customer: str
    lines: list[tuple[str, int, float]] = field(default_factory=list)

    @property
    def total(self) -> float:
        return sum(quantity * price for _, quantity, price in self.lines)


def read_orders(path: str) -> list[Order]:
    """Read orders from a JSON file; a missing list of lines is an empty order."""
    with open(path, encoding="utf-8") as handle:
        entries = json.load(handle)
    orders = []
    for entry in entries:
        lines = [(line["item"], int(line["quantity"]), float(line["price"])) for line in entry.get("lines", [])]
        orders.append(Order(entry["number"], entry["customer"], lines))
    return orders


def totals_by_customer(orders: list[Order]) -> dict[str, float]:
    totals: dict[str, float] = defaultdict(float)
    for order in orders:
        totals[order.customer] += order.total
    return dict(sorted(totals.items(), key=lambda pair: pair[1], reverse=True))


if __name__ == "__main__":
    for name, total in totals_by_customer(read_orders("orders.json")).items():
        print(f"{name:20} {total:10.2f}")
`,
  `package store

import (
	"errors"
	"fmt"
	"sync"
	"time"
)

// ErrNotFound is returned when a key has no value or its value has expired.
var ErrNotFound = errors.New("not found")

type entry struct {
	value   string
	expires time.Time
}

// Cache is safe for use by several goroutines.
type Cache struct {
	mu      sync.RWMutex
	entries map[string]entry
	now     func() time.Time
}

func NewCache() *Cache {
	return &Cache{entries: make(map[string]entry), now: time.Now}
}

func (c *Cache) Set(key, value string, ttl time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.entries[key] = entry{value: value, expires: c.now().Add(ttl)}
}

func (c *Cache) Get(key string) (string, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	found, ok := c.entries[key]
	if !ok || c.now().After(found.expires) {
		return "", fmt.Errorf("get %q: %w", key, ErrNotFound)
	}
	return found.value, nil
}
`,
  `#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct node {
    char *word;
    int count;
    struct node *left, *right;
} node;

static node *insert(node *root, const char *word) {
    if (root == NULL) {
        root = malloc(sizeof(node));
        root->word = strdup(word);
        root->count = 1;
        root->left = root->right = NULL;
        return root;
    }
    int order = strcmp(word, root->word);
    if (order == 0)
        root->count++;
    else if (order < 0)
        root->left = insert(root->left, word);
    else
        root->right = insert(root->right, word);
    return root;
}

static void print_tree(const node *root) {
    if (root != NULL) {
        print_tree(root->left);
        printf("%4d %s\\n", root->count, root->word);
        print_tree(root->right);
    }
}

int main(void) {
    node *root = NULL;
    char word[128];
    while (scanf("%127s", word) == 1)
        root = insert(root, word);
    print_tree(root);
    return 0;
}
`,
  `package com.example.bank;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

public class Account {
    private final String owner;
    private final List<BigDecimal> movements = new ArrayList<>();

    public Account(String owner) {
        if (owner == null || owner.isBlank()) {
            throw new IllegalArgumentException("owner must not be blank");
        }
        this.owner = owner;
    }

    public BigDecimal getBalance() {
        return movements.stream().reduce(BigDecimal.ZERO, BigDecimal::add);
    }

    public void deposit(BigDecimal amount) {
        if (amount.signum() <= 0) {
            throw new IllegalArgumentException("amount must be positive");
        }
        movements.add(amount);
    }

    public void withdraw(BigDecimal amount) {
        if (getBalance().compareTo(amount) < 0) {
            throw new IllegalStateException("insufficient funds");
        }
        movements.add(amount.negate());
    }

    public List<BigDecimal> getMovements() {
        return Collections.unmodifiableList(movements);
    }
}
`,
  `interface Task {
  id: number;
  title: string;
  done: boolean;
  tags: string[];
}

type Filter = (task: Task) => boolean;

export class TaskList {
  private tasks: Task[] = [];
  private nextId = 1;

  add(title: string, tags: string[] = []): Task {
    const task = { id: this.nextId++, title, done: false, tags };
    this.tasks.push(task);
    return task;
  }

  complete(id: number): boolean {
    const task = this.tasks.find((candidate) => candidate.id === id);
    if (!task) {
      return false;
    }
    task.done = true;
    return true;
  }

  select(...filters: Filter[]): Task[] {
    return this.tasks.filter((task) => filters.every((filter) => filter(task)));
  }

  async save(url: string): Promise<void> {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(this.tasks),
    });
    if (!response.ok) {
      throw new Error(\`Saving failed: \${response.status}\`);
    }
  }
}
`,
  `use std::collections::HashMap;
use std::fs;
use std::io;

#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Number(f64),
    Text(String),
    List(Vec<Value>),
}

pub fn read_settings(path: &str) -> io::Result<HashMap<String, Value>> {
    let text = fs::read_to_string(path)?;
    let mut settings = HashMap::new();
    for line in text.lines() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some((key, value)) = line.split_once('=') {
            settings.insert(key.trim().to_string(), parse_value(value.trim()));
        }
    }
    Ok(settings)
}

fn parse_value(text: &str) -> Value {
    match text.parse::<f64>() {
        Ok(number) => Value::Number(number),
        Err(_) if text.contains(',') => Value::List(text.split(',').map(|part| parse_value(part.trim())).collect()),
        Err(_) => Value::Text(text.to_string()),
    }
}
`,
  `SELECT c.name, COUNT(o.id) AS orders, SUM(l.quantity * l.price) AS revenue
FROM customers AS c
JOIN orders AS o ON o.customer_id = c.id
JOIN order_lines AS l ON l.order_id = o.id
WHERE o.created_at >= DATE '2024-01-01'
GROUP BY c.name
HAVING SUM(l.quantity * l.price) > 1000
ORDER BY revenue DESC
LIMIT 20;
`,
];
